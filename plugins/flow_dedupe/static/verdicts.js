// Verdicts: said of one cluster or of many, told, and taken back.
import { confirmed, h, table } from "./dom.js";
import { get, ofRun, post } from "./api.js";
import { counted, when } from "./figures.js";
import { take, tell } from "./told.js";

export const mayJudge = "mayJudge" in document.body.dataset;

const WORDS = {
  approve: "Approve",
  reject: "Reject",
  skip: "Skip",
  keep: "Keep this one",
  not_duplicate: "Not duplicates",
  may_repeat: "May repeat",
  same: "Same picture",
};
const DONE = {
  approve: "Approved",
  reject: "Rejected: nothing is done with it",
  skip: "Skipped for now",
  keep: "This one stays",
  not_duplicate: "Not duplicates, from now on",
  may_repeat: "This picture may repeat, from now on",
  same: "The same picture as its keeper's, whatever the last look saw",
  right: "Right",
  wrong: "Wrong",
};
export const word = (kind) => WORDS[kind] ?? kind;
export const done = (kind) => DONE[kind] ?? kind;

/** The first few of many names. */
const few = (names) => names.slice(0, 3).join(", ") + (names.length > 3 ? ` and ${counted(names.length - 3, "other")}` : "");

const KEPT = `flow-dedupe-said-${document.body.dataset.dag}-${document.body.dataset.run}`;
const readSaid = () => JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
const keepSaid = (verdicts) => sessionStorage.setItem(KEPT, JSON.stringify(verdicts.slice(-200)));

/** What goes along with the next verdict, if the person writes anything; Enter goes back to the keys. */
export const note = h("input", {
  class: "along",
  maxlength: 2000,
  placeholder: "A note for the next verdict, if you like",
  "aria-label": "A note for the next verdict",
  onkeydown: (event) => (event.key === "Enter" || event.key === "Escape") && note.blur(),
});

/** Says something together with the note; if it is refused, the note is still there. */
async function sayWithNote(address, words) {
  const written = note.value;
  note.value = "";
  try {
    return await post(address, { ...words, note: written.trim() });
  } catch (error) {
    note.value ||= written;
    throw error;
  }
}

let turn = Promise.resolve();
/** Does one thing after the other: what is taken back is what was said last, also where keys are quicker than answers. */
const inTurn = (deed) => (turn = turn.catch(() => {}).then(deed));

/**
 * Says something of a cluster as it is shown, or of documents of it. When it is taken back, `undone` is called
 * with the cluster's name, or with nothing if it was said of many.
 */
export function judge(kind, row, ids, undone) {
  return inTurn(async () => {
    const judged = await sayWithNote(ofRun("verdicts"), { kind, cluster: row.name, ids, state: row.state });
    remember(judged, row.name, `${ids.length ? few(ids) : row.name}: ${done(kind)}.`, undone);
  });
}

/** Says something of many clusters, after the person has seen how many; false if not. */
export async function judgeMany(kind, chosen, undone) {
  const selected = await post(ofRun("selection"), chosen);
  if (!selected.clusters) {
    tell("Nothing is selected any more: others have judged it.");
    return false;
  }
  const what = `${counted(selected.clusters, "cluster")} with ${counted(selected.documents, "document")}`;
  const decided = Object.entries(selected.decisions).map(([decision, many]) => `${decision}: ${counted(many, "document")}`);
  const written = note.value.trim();
  const lines = written ? [...decided, `Note: ${written}`] : decided;
  if (!(await confirmed(`${word(kind)}: ${what}?`, lines, `${word(kind)}: ${counted(selected.clusters, "cluster")}`))) return false;
  await inTurn(async () => {
    const judged = await sayWithNote(ofRun(["verdicts", "many"]), { kind, chosen, state: selected.state });
    remember(judged, "", `${what}: ${done(kind)}.`, undone);
  });
  return true;
}

function remember(judged, cluster, text, undone) {
  if (judged.is_new) keepSaid([...readSaid(), { name: judged.said.name, cluster }]);
  tell(judged.is_new ? text : `${text} It was said before.`, () => undo(undone));
}

/** Takes back what was said last in this run, in this window. */
export async function undo(undone) {
  const last = await inTurn(async () => {
    const said = readSaid().at(-1);
    if (said) await unsay(said.name);
    return said;
  });
  if (last) await undone?.(last.cluster);
  else tell("Nothing was said here that could be taken back. “Verdicts” lists what was said before.");
}

async function takeBack(name, cluster, undone) {
  await inTurn(() => unsay(name));
  await undone?.(cluster);
}

async function unsay(name) {
  const forget = () => keepSaid(readSaid().filter((one) => one.name !== name));
  try {
    await post(ofRun("undo"), { names: [name] });
  } catch (error) {
    if (error.status === 404 || error.status === 409) forget();
    throw error;
  }
  forget();
  tell("Taken back.");
}

/** A line for each standing verdict, each of which can be taken back. */
export function said(row, undone) {
  if (!row.said.length) return null;
  const line = (one) =>
    h(
      "li",
      { class: "text" },
      `${done(one.kind)}${one.ids.includes(row.name) ? "" : ` (${few(one.ids)})`} · ${one.by}, ${when(one.at)}${one.note ? ` · ${one.note}` : ""} `,
      mayJudge && h("button", { "data-undo": one.name, onclick: () => take(() => takeBack(one.name, row.name, undone)) }, "Undo"),
    );
  return h("ul", { class: "said" }, row.said.map(line));
}

/** Shows what was said last in the collection. */
export async function showHistory(undone) {
  const found = await get(ofRun("history"));
  const close = () => dialog.close();
  const back = (one) => mayJudge && one.kind !== "undo" && h("button", { onclick: () => take(async () => (close(), await takeBack(one.name, "", undone))) }, "Undo");
  const columns = [
    ["Verdict", (one) => done(one.kind)],
    ["Of", (one) => h("span", { class: "text" }, few(one.ids))],
    ["By", (one) => one.by],
    ["When", (one) => when(one.at)],
    ["Note", (one) => h("span", { class: "text" }, one.note)],
    ["", back],
  ];
  const dialog = h(
    "dialog",
    { class: "history", "aria-labelledby": "history", onclose: () => dialog.remove() },
    h("h2", { id: "history" }, "Verdicts in this collection, the newest first"),
    found.length ? table("Verdicts", columns, found) : h("p", {}, "Nobody has said anything yet."),
    h("div", { class: "bar" }, h("button", { class: "main", autofocus: true, onclick: close }, "Close")),
  );
  document.body.append(dialog);
  dialog.showModal();
}

