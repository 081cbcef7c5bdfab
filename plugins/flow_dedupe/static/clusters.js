// The clusters of a run: look, mark one or many, judge, go on.
import { badge, h, show } from "./dom.js";
import { get, ofRun, partPage } from "./api.js";
import { bytes, count, counted, score } from "./figures.js";
import { asMessage, form, wanted } from "./filters.js";
import * as keys from "./keys.js";
import { picture } from "./picture.js";
import { thresholds } from "./thresholds.js";
import { take, tell } from "./told.js";
import { judge, judgeMany, mayJudge, note, said, showHistory, undo, word } from "./verdicts.js";

const PICTURES = 6;
const OF_MANY = ["approve", "reject", "skip", "not_duplicate"];
const BADGES = { exact: "good", near: "warn", mixed: "other" };
const grid = h("div", { class: "grid", role: "list", "aria-label": "Clusters" });
const fits = h("p", { "aria-live": "polite" });
const bar = h("div", { class: "selection bar", role: "region", "aria-label": "Selection" });
const more = h("button", { hidden: true, onclick: () => take(load) }, "Show more");
const nothing = h("div", {});

const cards = []; // {row, element}
const chosen = { names: new Set(), all: false };
let total = 0;
let next = "";
let at = 0;
let asked = 0; // which request is the newest

async function reload() {
  cards.length = 0;
  grid.replaceChildren();
  next = "";
  at = 0;
  clearSelection();
  await load();
}

async function load() {
  const mine = ++asked;
  more.disabled = true;
  const page = await get(ofRun("clusters", { ...wanted(), after: next, limit: 30 }));
  if (mine !== asked) return;
  for (const row of page.rows) {
    const card = { row, element: h("div", {}) };
    cards.push(card);
    draw(card);
    grid.append(card.element);
  }
  total = page.total;
  next = page.next;
  more.disabled = false;
  more.hidden = !next;
  drawBar();
  fits.textContent = `${counted(total, "cluster")} ${total === 1 ? "fits" : "fit"}, ${count(cards.length)} shown.`;
  nothing.replaceChildren(...(cards.length ? [] : [empty()]));
  mark(at, false);
}

function empty() {
  const isAll = !Object.keys(wanted()).length;
  return h("p", { class: "note" }, isAll ? "Nothing is left to judge here. “Show: all” has what was judged already." : "No cluster fits. Clear the filters, or show all.");
}

function draw(card) {
  const { row } = card;
  const name = `Cluster ${row.name}, ${counted(row.size, "document")}, ${row.duplicates}`;
  const box = h("input", { type: "checkbox", "aria-label": `Select ${name}`, onchange: () => choose(card, box.checked) });
  box.checked = isChosen(row.name);
  const fresh = h(
    "div",
    { class: `cluster card${row.judged ? " judged" : ""}`, role: "listitem", tabindex: "-1", "aria-label": name, "data-cluster": row.name, onfocusin: () => mark(cards.indexOf(card), false) },
    h(
      "header",
      { class: "bar" },
      mayJudge && box,
      h("a", { href: address(row), class: "name" }, row.name),
      badge(row.duplicates, BADGES[row.duplicates]),
      row.chained && badge("chained", "warn"),
      row.hub && badge("hub", "warn"),
      h("span", { class: "end soft" }, counted(row.size, "document")),
    ),
    h("div", { class: "pictures" }, row.members.slice(0, PICTURES).map((one, index) => member(card, one, index))),
    row.size > PICTURES && h("a", { href: address(row) }, `and ${count(row.size - PICTURES)} more`),
    h(
      "p",
      { class: "soft facts" },
      `weakest link ${score(row.weakest_score)}`,
      row.bytes_to_free ? ` · ${bytes(row.bytes_to_free)} to free` : "",
      ...Object.entries(row.decisions).map(([decision, many]) => ` · ${count(many)} ${decision}`),
    ),
    said(row, undone),
    mayJudge && h("div", { class: "bar acts" }, OF_MANY.map((kind) => h("button", { onclick: () => take(() => say(kind, card)) }, word(kind)))),
  );
  card.element.replaceWith(fresh);
  card.element = fresh;
}

function member(card, one, index) {
  const why = one.is_keeper ? card.row.why || card.row.rule : one.reason;
  const label = [one.is_keeper ? "stays" : one.decision, one.is_protected ? "protected" : ""].filter(Boolean).join(", ");
  return h(
    "figure",
    { class: one.is_keeper ? "keeper" : "" },
    picture(card.row.name, one.id),
    mayJudge && h("kbd", { "aria-hidden": "true" }, String(index + 1)),
    h(
      "figcaption",
      { title: `${one.id}: ${why}` },
      label && h("strong", { class: one.is_keeper ? "stays" : "goes" }, `${label} `),
      h("span", { class: "id" }, one.id),
      one.is_keeper && why && h("span", { class: "soft why-kept" }, why),
    ),
  );
}

const address = (row) => partPage(["clusters", row.name], wanted());

function mark(index, withFocus = true) {
  if (!cards.length) return;
  at = Math.max(0, Math.min(index, cards.length - 1));
  for (const [place, card] of cards.entries()) {
    const isHere = place === at;
    card.element.classList.toggle("here", isHere);
    card.element.tabIndex = isHere ? 0 : -1;
  }
  if (withFocus) {
    cards[at].element.focus({ preventScroll: true });
    cards[at].element.scrollIntoView({ block: "nearest" });
  }
}

async function step(by) {
  if (at + by >= cards.length && next) await load();
  mark(at + by);
}

async function refresh(card) {
  const mine = (card.asked = (card.asked ?? 0) + 1);
  const gone = (error) => {
    if (error.status !== 404) throw error;
    return { ...card.row, judged: true };
  };
  const row = await get(ofRun(["clusters", card.row.name])).then((found) => found.cluster.row, gone);
  if (mine !== card.asked) return; // an older answer that comes later is not how things are now
  card.row = row;
  const hadFocus = card.element.contains(document.activeElement);
  draw(card);
  mark(at, hadFocus);
}

/** After something was taken back: its cluster as it is now, or all if it was said of many. */
async function undone(name) {
  const card = cards.find((one) => one.row.name === name);
  if (!card) return reload();
  await refresh(card);
  mark(cards.indexOf(card));
}

async function say(kind, card, ids = []) {
  if (!mayJudge || !card) return;
  const index = cards.indexOf(card);
  try {
    await judge(kind, card.row, ids, undone);
  } catch (error) {
    if (error.status === 409) await refresh(card);
    throw error;
  }
  await refresh(card);
  if (kind !== "keep" && index === at) await step(1);
}

const isChosen = (name) => chosen.all !== chosen.names.has(name);
const chosenCount = () => (chosen.all ? total - chosen.names.size : chosen.names.size);

function choose(card, isOn) {
  if (isOn === isChosen(card.row.name)) return;
  chosen.names.has(card.row.name) ? chosen.names.delete(card.row.name) : chosen.names.add(card.row.name);
  card.element.querySelector("input").checked = isOn;
  drawBar();
}

function clearSelection() {
  chosen.names.clear();
  chosen.all = false;
  for (const card of cards) if (mayJudge) card.element.querySelector("input").checked = false;
  drawBar();
}

function chooseAll() {
  chosen.names.clear();
  chosen.all = true;
  for (const card of cards) card.element.querySelector("input").checked = true;
  drawBar();
}

function drawBar() {
  const many = chosenCount();
  if (!mayJudge) return;
  bar.classList.toggle("some", many > 0);
  bar.replaceChildren(
    h("strong", { "aria-live": "polite" }, `${counted(many, "cluster")} selected`),
    h("button", { onclick: () => cards.forEach((card) => choose(card, true)) }, "All shown"),
    h("button", { onclick: chooseAll }, `All ${count(total)} that fit`),
    h("button", { hidden: !many, onclick: clearSelection }, "None"),
    ...OF_MANY.map((kind) => h("button", { hidden: !many, onclick: () => take(() => sayOfMany(kind)) }, word(kind))),
  );
}

async function sayOfMany(kind) {
  const names = [...chosen.names];
  const message = chosen.all ? { names, wanted: asMessage(wanted()) } : { names };
  if (await judgeMany(kind, message, undone)) await reload();
}

async function keep(key) {
  const card = cards[at];
  const one = card?.row.members[Number(key) - 1];
  if (!one) tell(`There is no picture ${key} in this cluster.`);
  else await say("keep", card, [one.id]);
}

const here = (kind) => () => say(kind, cards[at]);
const judging = [
  [["a"], "approve", here("approve")],
  [["r"], "reject", here("reject")],
  [["n"], "not duplicates", here("not_duplicate")],
  [["1", "2", "3", "4", "5", "6"], "keep that one", keep, "1…6"],
  [["s"], "skip", here("skip")],
  [["m"], "note", () => note.focus()],
  [["x"], "select", () => choose(cards[at], !isChosen(cards[at].row.name))],
  [["u"], "undo", () => undo(undone)],
];

async function start() {
  const { run, fields } = await get(ofRun("summary"));
  const hasDecisions = Object.keys(run.decisions).length > 0;
  show(
    h("div", { class: "bar" }, h("h1", {}, "Clusters"), h("span", { class: "soft text" }, `${counted(run.clusters, "cluster")} with ${counted(run.duplicates, "duplicate")}. ${run.news}`), h("span", { class: "end bar" }, hasDecisions && h("a", { class: "button", href: partPage("approval") }, run.state === "waiting" ? "Approve …" : "What will happen"), hasDecisions && h("a", { class: "button", href: partPage("sample") }, "Prove by sample"), h("button", { onclick: () => take(() => showHistory(undone)) }, "Verdicts"))),
    banner(run),
    run.problem ? null : [thresholds(), form(fields, () => take(reload)), mayJudge && bar, mayJudge && note, fits, nothing, grid, more],
  );
  if (run.problem) return;
  keys.on([
    [["j", "ArrowRight"], "next", () => step(1)],
    [["k", "ArrowLeft"], "previous", () => step(-1)],
    ...(mayJudge ? judging : []),
    [["Enter", "o"], "open", () => cards[at] && location.assign(address(cards[at].row))],
  ]);
  await reload();
}

const STATES = {
  superseded: "A newer run has decided anew: what is said here holds there, too, but this run does nothing more.",
  failed: "This run failed, in part or as a whole.",
  damaged: "The files of this run cannot be read.",
  blocked: "A guard of the settings forbids what was decided.",
  scanning: "This run has not finished looking for duplicates.",
};

function banner(run) {
  const lines = [STATES[run.state], run.superseded_by && `The newer run: ${run.superseded_by}`, run.problem, ...run.notes].filter(Boolean);
  const kind = { failed: "bad", damaged: "bad", blocked: "bad", superseded: "warn" }[run.state] ?? "";
  return lines.length ? h("div", { class: `note ${kind}` }, lines.map((line) => h("p", { class: "text" }, line))) : null;
}

start().catch((error) => show(h("h1", {}, "Clusters"), h("p", { class: "note bad text" }, error.message)));
