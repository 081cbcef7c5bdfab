// What a run of the gate holds: each new picture beside what it looks like, and the answer about all of them.
import { badge, confirmed, h, show, tiles } from "./dom.js";
import { collectionPage, get, ofRun, post } from "./api.js";
import { count, counted, score, when } from "./figures.js";
import { pictureAt } from "./picture.js";
import { take, tell } from "./told.js";

const mayAnswer = "mayAnswer" in document.body.dataset;
const AS_OTHERS = "as all others";
const CHOICES = [
  ["let_in", "Let in"],
  ["link", "Link"],
  ["reject", "Reject"],
  [AS_OTHERS, "As all others"],
];
const REST = ["Hold", "Let in", "Reject"];
const marks = new Map();
let rest = "Hold";
let found, question;

const source = (document, match = "") => ofRun(["held", "picture"], { document, match });

async function load() {
  [found, question] = await Promise.all([get(ofRun("held")), get(ofRun(["held", "question"]))]);
  draw();
}

function draw() {
  const { run, page } = found;
  show(
    h("div", { class: "bar" }, h("h1", {}, "Held at the gate"), h("a", { class: "button end", href: collectionPage() }, "All runs of the gate")),
    state(run, page),
    tiles([["Documents that came", count(run.documents)], ...Object.entries(run.outcomes).map(([what, many]) => [what, count(many)])]),
    page.problem && h("p", { class: "note bad text" }, "What the collection holds cannot be shown: ", page.problem),
    h("section", { class: "held-list", "aria-label": "Held pictures" }, page.held.map(card)),
    page.next && h("button", { onclick: () => take(more) }, `Show more (${count(page.held.length)} of ${count(page.total)})`),
    answering() && answers(page),
  );
}

async function more() {
  const { page } = await get(ofRun("held", { after: found.page.next }));
  if (page.digest !== found.page.digest) {
    marks.clear();
    await load();
    return tell("Other documents are held by now than you saw; look again.");
  }
  found.page = { ...page, held: [...found.page.held, ...page.held] };
  return draw();
}

const answering = () => mayAnswer && question && !question.answered_at && found.page.total > 0;

function state(run, page) {
  if (question?.answered_at) return h("p", { class: "note good text" }, `Answered: ${question.chosen.join(", ")} for all that were not named, by ${question.by ?? "nobody, in time"}, ${when(question.answered_at)}. ${page.total ? `Held now: ${counted(page.total, "document")}.` : "Nothing is held."}`);
  if (!page.total) return h("p", { class: "note" }, { working: "This run has not reported yet.", dry_run: "This is a dry run: nothing is held." }[run.state] ?? "Nothing is held.");
  if (!question) return h("p", { class: "note text" }, `Nobody is asked about this run. Decide with: python -m include.dedupe held ${run.collection} ${run.run_id}`);
  const asks = [h("strong", {}, `${counted(page.total, "picture")} ${page.total === 1 ? "waits" : "wait"} for an answer. `), "What is let in is no duplicate of what it is shown with; what is linked is indexed with the ids of that; without an answer all stay held."];
  return h("p", { class: "note warn" }, ...asks, mayAnswer ? null : " You may see this, but not answer: that takes the right to answer the questions of the DAG.");
}

function card(one) {
  return h(
    "article",
    { class: "card held", "aria-label": one.id },
    h(
      "div",
      { class: "new" },
      pictureAt(source(one.id), one.id),
      h("h2", { class: "text" }, one.id),
      h("p", { class: "text" }, one.reason),
      one.left_by && h("p", { class: "soft text" }, `Left by ${one.left_by}`),
      fields(one.fields),
    ),
    h("div", { class: "matches" }, one.matches.map((match) => matched(one, match)), one.like > one.matches.length && h("p", { class: "soft" }, `and ${count(one.like - one.matches.length)} more`)),
    answering() && choices(one),
  );
}

function matched(one, match) {
  return h(
    "figure",
    {},
    pictureAt(source(one.id, match.id), match.id),
    h(
      "figcaption",
      {},
      h("div", { class: "bar" }, h("strong", { class: "text" }, match.id), match.score !== null && badge(`${match.duplicates} ${score(match.score)}`, match.duplicates === "exact" ? "bad" : "warn")),
      !match.is_there && h("p", { class: "soft" }, "Not in the collection now."),
      fields(match.fields, one.fields),
    ),
  );
}

/** The fields of a document; those that are otherwise in `other` stand out. */
function fields(values, other = null) {
  const text = (value) => (Array.isArray(value) ? value.join(", ") : String(value));
  const differs = (name) => other && name in other && text(other[name]) !== text(values[name]);
  const line = (name) => [h("dt", {}, name), h("dd", { class: differs(name) ? "text differs" : "text" }, text(values[name]))];
  return h("dl", { class: "fields" }, Object.keys(values).sort().flatMap(line));
}

function choices(one) {
  const chosen = marks.get(one.id) ?? AS_OTHERS;
  const fits = one.matches.some((match) => match.score !== null);
  const pick = (value) => () => {
    value === AS_OTHERS ? marks.delete(one.id) : marks.set(one.id, value);
    summary.textContent = told();
  };
  const option = ([value, text]) => h("label", {}, h("input", { type: "radio", name: `of ${one.id}`, checked: value === chosen, onchange: pick(value) }), text);
  return h("fieldset", { class: "bar" }, h("legend", { class: "unseen" }, `What becomes of ${one.id}`), CHOICES.filter(([value]) => value !== "link" || fits).map(option));
}

const summary = h("span", { class: "soft", "aria-live": "polite" });

function told() {
  const named = CHOICES.map(([value, text]) => [text, [...marks.values()].filter((one) => one === value).length]);
  const parts = named.filter(([, many]) => many).map(([text, many]) => `${text}: ${count(many)}`);
  const others = found.page.total - marks.size;
  return [...parts, ...(others ? [`${rest}: ${parts.length ? "the other " : ""}${count(others)}`] : [])].join(" · ");
}

function answers(page) {
  const pick = (value) => () => {
    rest = value;
    summary.textContent = told();
  };
  const option = (value) => h("label", {}, h("input", { type: "radio", name: "of all others", checked: value === rest, onchange: pick(value) }), value);
  summary.textContent = told();
  return h(
    "div",
    { class: "card bar answer" },
    h("fieldset", { class: "bar" }, h("legend", {}, "All others"), REST.map(option)),
    summary,
    h("button", { class: "main end", onclick: () => take(() => send(page)) }, "Answer"),
  );
}

async function send(page) {
  const named = (value) => [...marks].filter(([, chosen]) => chosen === value).map(([name]) => name);
  if (!(await confirmed("Answer the question of this run?", [told(), "It can be answered once."], "Answer"))) return;
  const given = { hash: page.digest, rest, let_in: named("let_in"), reject: named("reject"), link: named("link") };
  try {
    await post(ofRun(["held", "answer"]), given);
  } catch (error) {
    if (error.status === 409) {
      marks.clear();
      await load();
    }
    throw error;
  }
  await load();
  tell("Answered. The run goes on.");
}

load().catch((error) => show(h("h1", {}, "Held at the gate"), h("p", { class: "note bad text" }, error.message)));
