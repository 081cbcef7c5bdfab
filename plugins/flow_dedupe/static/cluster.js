// One cluster: its pictures side by side, what tells them apart, how sure each pair is, and what stays why.
import { badge, h, show, table } from "./dom.js";
import { get, ofRun, partPage, runPage } from "./api.js";
import { changeOf, frame } from "./change.js";
import { compare } from "./compare.js";
import { bytes, count, counted, score } from "./figures.js";
import { wanted } from "./filters.js";
import * as keys from "./keys.js";
import { picture } from "./picture.js";
import { take, tell } from "./told.js";
import { judge, mayJudge, note, said, undo, word } from "./verdicts.js";

const { cluster: name } = document.body.dataset;
const OF_ALL = ["approve", "reject", "skip", "not_duplicate"];
let detail;
let place;
let documents = [];
let at = 0; // which document is in front
let asked = 0; // which request is the newest

async function load(first = 0) {
  const mine = ++asked;
  const found = await get(ofRun(["clusters", name], { ...wanted(), first }));
  if (mine !== asked) return; // an older answer that comes later is not how things are now
  detail = found.cluster;
  place = found.place;
  documents = first ? [...documents, ...detail.documents] : detail.documents;
  at = Math.min(at, documents.length - 1);
  draw();
}

const keeper = () => documents.find((one) => one.is_keeper);

function draw() {
  const { row } = detail;
  const hadFocus = show(
    heading(row),
    said(row, () => load()),
    mayJudge && h("div", { class: "bar acts" }, OF_ALL.map((kind) => h("button", { onclick: () => take(() => say(kind)) }, word(kind))), note),
    h("div", { class: "documents", role: "list", "aria-label": "Documents" }, documents.map(card)),
    row.size > documents.length && h("button", { onclick: () => take(() => load(documents.length)) }, `Show more of ${counted(row.size, "document")}`),
    graphSection(),
    pairSection(),
    outcomeSection(),
  );
  mark(at, hadFocus);
}

function heading(row) {
  const why = row.why || row.rule;
  return [
    h(
      "div",
      { class: "bar" },
      h("h1", {}, `Cluster ${row.name}`),
      badge(row.duplicates, { exact: "good", near: "warn", mixed: "other" }[row.duplicates]),
      row.chained && badge("chained: some two are no pair", "warn"),
      row.hub && badge("hub: known in part", "warn"),
      row.judged && badge("judged", "good"),
      h(
        "span",
        { class: "end bar" },
        place.place ? h("span", { class: "soft" }, `${count(place.place)} of ${count(place.total)}`) : h("span", { class: "soft" }, `outside the ${count(place.total)} that fit`),
        link(place.previous, "← Previous"),
        link(place.next, "Next →"),
      ),
    ),
    h(
      "p",
      { class: "soft" },
      `${counted(row.size, "document")}, ${counted(row.pairs, "pair")}, scores ${score(row.weakest_score)} to ${score(row.strongest_score)}`,
      row.bridges ? `, ${counted(row.bridges, "bridge")}` : "",
      row.bytes_to_free ? `, ${bytes(row.bytes_to_free)} to free` : "",
      row.bytes_unknown ? `, ${count(row.bytes_unknown)} of unknown size` : "",
    ),
    why && h("p", { class: "text" }, h("strong", {}, "Why this one stays: "), why),
  ];
}

const clusterAddress = (other) => partPage(["clusters", other], wanted());
const link = (other, text) => (other ? h("a", { class: "button", href: clusterAddress(other) }, text) : h("span", { class: "button", "aria-disabled": "true" }, text));

function card(one, index) {
  const others = documents.length > 1;
  const change = changeOf(seen(), one.id);
  const isRefused = detail.refusals.some((refusal) => refusal.id === one.id);
  return h(
    "div",
    { class: `document card${one.is_keeper ? " keeper" : ""}`, role: "listitem", tabindex: "-1", "aria-label": `${one.is_keeper ? "Keeper" : "Document"} ${one.id}`, "data-document": one.id, onfocusin: () => mark(index, false) },
    h("div", { class: "bar" }, one.is_keeper ? badge("stays", "good") : badge(one.decision || "duplicate", one.decision === "delete" ? "bad" : "warn"), one.is_protected && badge("protected", "other"), !one.is_keeper && h("span", { class: "soft" }, one.score ? `score ${score(one.score)}` : "no pair with the keeper"), change && badge("differs from its keeper", "bad")),
    picture(name, one.id, "large", change && ((width, height) => frame(change, width, height))),
    h("h2", { class: "text" }, one.id),
    !one.is_keeper && one.reason && h("p", { class: "soft text" }, one.reason),
    fields(one),
    h(
      "div",
      { class: "bar" },
      others && h("button", { onclick: () => compareWith(one) }, "Compare"),
      mayJudge && !one.is_keeper && h("button", { onclick: () => take(() => say("keep", one)) }, word("keep")),
      mayJudge && !one.is_keeper && keeper() && h("button", { onclick: () => take(() => apart(one)) }, "Not a duplicate"),
      mayJudge && isRefused && h("button", { title: "What the last look saw is no reason to keep it", onclick: () => take(() => say("same", one)) }, word("same")),
      mayJudge && h("button", { title: "A placeholder or a logo: it never makes a pair again", onclick: () => take(() => say("may_repeat", one)) }, word("may_repeat")),
    ),
  );
}

function fields(one) {
  const size = detail.measures.bytes ?? "bytes"; // the field that tells it
  const names = new Set([...detail.rule_fields, ...detail.differing, ...Object.keys(one.fields)]);
  names.delete(size);
  const row = (field, value) => entry(field, value, detail.differing.includes(field), detail.rule_fields.includes(field));
  return h("dl", { class: "fields" }, row(size, bytes(one.bytes)), [...names].map((field) => row(field, shown(one.fields[field]))));
}

function entry(field, value, differs, isRule) {
  return h(
    "div",
    { class: differs ? "differs" : "" },
    h("dt", {}, field, isRule && h("span", { class: "soft" }, " (keeper rule)"), differs && h("span", { class: "unseen" }, " (differs)")),
    h("dd", {}, value),
  );
}

function shown(value) {
  if (value === undefined || value === null || value === "") return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function mark(index, withFocus = true) {
  const elements = [...document.querySelectorAll(".document")];
  if (!elements.length) return;
  at = (index + elements.length) % elements.length;
  for (const [here, element] of elements.entries()) {
    element.classList.toggle("here", here === at);
    element.tabIndex = here === at ? 0 : -1;
  }
  if (!withFocus) return;
  elements[at].focus({ preventScroll: true });
  elements[at].scrollIntoView({ block: "nearest", inline: "nearest" });
}

function compareWith(one, start = one) {
  const first = keeper() && keeper().id !== one.id ? keeper().id : documents.find((other) => other.id !== one.id).id;
  const others = documents.map((other) => other.id).filter((id) => id !== first);
  const found = (id) => documents.find((other) => other.id === id);
  const judging = mayJudge
    ? [
        [["e"], "keep this one", (id) => say("keep", found(id))],
        [["n"], "not a duplicate", (id) => apart(found(id))],
        [["a"], "approve the cluster", () => say("approve")],
        [["r"], "reject the cluster", () => say("reject")],
        [["u"], "undo", () => undo(() => load())],
      ]
    : [];
  return compare(name, first, others, start.id, changed, judging);
}

/** Where the last look saw a change: in this run, and in earlier ones that it is known of. */
const seen = () => [...detail.outcomes, ...detail.refusals];
const changed = (first, other) => changeOf(seen(), first, other);
const inFront = () => documents[at];

async function say(kind, one = null, ids = one ? [one.id] : []) {
  try {
    await judge(kind, detail.row, ids, () => load());
  } catch (error) {
    if (error.status === 409) await load();
    throw error;
  }
  await load().catch((error) => {
    if (error.status !== 404) throw error;
    location.assign(place.next ? clusterAddress(place.next) : runPage());
  });
}

async function apart(one) {
  const other = documents.length === 2 ? documents.find((each) => each.id !== one.id) : keeper();
  if (!other || other.id === one.id) tell("This one is the keeper: go to the one that is no duplicate of it.");
  else await say("not_duplicate", null, [other.id, one.id]);
}

function graphSection() {
  const stage = h("div", { class: "graph", role: "img", "aria-label": `Graph of ${counted(documents.length, "document")} and ${counted(detail.pairs.length, "pair")}; the table of pairs says the same.` });
  const section = h("details", { class: "card", open: documents.length <= 60 }, h("summary", {}, "Graph"), h("p", { class: "soft" }, "The wider a line, the higher the score. A dashed line is a bridge: without it the cluster falls apart. The keeper has a thick frame."), stage);
  let drawn = false;
  const start = async () => {
    if (drawn || !section.open) return;
    drawn = true;
    const { canDraw, draw: drawGraph } = await import("./graph.js");
    if (!canDraw(documents)) stage.replaceChildren(h("p", { class: "soft" }, `A drawing of ${counted(documents.length, "document")} shows nothing; the table of pairs does.`));
    else drawGraph(stage, name, documents, detail.pairs, (id) => mark(documents.findIndex((one) => one.id === id)));
  };
  section.addEventListener("toggle", () => take(start));
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    take(start);
  }).observe(section);
  return section;
}

function pairSection() {
  const id = (field) => (pair) => h("span", { class: "text" }, pair[field]);
  const columns = [
    ["Document", id("id_a")],
    ["and document", id("id_b")],
    ["Score", (pair) => score(pair.score), "number"],
    ["Class", (pair) => pair.duplicates],
    ["Found", (pair) => pair.found],
    ["", (pair) => [pair.bridge && badge("bridge", "warn"), pair.said_apart && badge("said to be none", "other")].filter(Boolean)],
    ["Why", explained],
    ["", (pair) => bothShown(pair) && h("button", { onclick: () => comparePair(pair) }, "Compare")],
  ];
  return h(
    "section",
    {},
    h("h2", {}, `Pairs (${count(detail.pairs.length)} of ${count(detail.row.pairs)})`),
    table("Pairs", columns, detail.pairs),
  );
}

const bothShown = (pair) => [pair.id_a, pair.id_b].every((id) => documents.some((one) => one.id === id));
const comparePair = (pair) => compare(name, pair.id_a, [pair.id_b], pair.id_b, changed);

function explained(pair) {
  const answer = h("div", { "aria-live": "polite" });
  const ask = async () => {
    answer.textContent = "Asking the server …";
    const found = await get(ofRun("explanation", { one: pair.id_a, other: pair.id_b })).catch((error) => ({ reason: error.message, details: {} }));
    answer.replaceChildren(...(found ? told(found) : [h("p", {}, "The server does not explain its scores.")]));
  };
  return h("div", { class: "explained" }, h("button", { onclick: () => take(ask) }, "Explain"), answer);
}

function told(found) {
  const details = Object.entries(found.details).map(([key, value]) => h("div", {}, h("dt", {}, key), h("dd", {}, shown(value))));
  return [h("p", { class: "text" }, found.reason), details.length ? h("dl", { class: "fields" }, details) : ""];
}

function outcomeSection() {
  if (!detail.outcomes.length) return null;
  const columns = [
    ["Document", (one) => h("span", { class: "text" }, one.id)],
    ["Decision", (one) => one.decision],
    ["Outcome", (one) => one.outcome],
    ["Why", (one) => h("span", { class: "text" }, one.reason)],
  ];
  return h("section", {}, h("h2", {}, "What was done"), table("What was done", columns, detail.outcomes));
}

const go = (other, none) => () => (other() ? location.assign(clusterAddress(other())) : tell(none));

const judging = [
  [["a"], "approve", () => say("approve")],
  [["r"], "reject", () => say("reject")],
  [["n"], "not a duplicate", () => apart(inFront())],
  [["e"], "keep this one", () => (inFront().is_keeper ? tell("This one stays already.") : say("keep", inFront()))],
  [["s"], "skip", () => say("skip")],
  [["m"], "note", () => note.focus()],
  [["u"], "undo", () => undo(() => load())],
];

load()
  .then(() =>
    keys.on([
      [["j"], "next cluster", go(() => place.next, "This is the last one.")],
      [["k"], "previous cluster", go(() => place.previous, "This is the first one.")],
      [["ArrowRight"], "next picture", () => mark(at + 1)],
      [["ArrowLeft"], "previous picture", () => mark(at - 1)],
      [["c"], "compare", () => compareWith(inFront())],
      ...(mayJudge ? judging : []),
      [["Escape", "b"], "back to all", () => location.assign(`${runPage()}${location.search}`)],
    ]),
  )
  .catch((error) => show(h("h1", {}, `Cluster ${name}`), h("p", { class: "note bad text" }, error.message)));
