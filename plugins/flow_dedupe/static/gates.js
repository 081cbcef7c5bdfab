// The runs of a collection's gate: what came, what became of it, and what waits for a person.
import { badge, h, show, table } from "./dom.js";
import { get, ofCollection, runPage } from "./api.js";
import { count, when } from "./figures.js";
import { take } from "./told.js";

export const STATES = {
  working: ["working", "other"],
  dry_run: ["dry run", ""],
  holding: ["holds pictures", "warn"],
  done: ["done", "good"],
  damaged: ["damaged", "bad"],
};
const { dag } = document.body.dataset;

const COLUMNS = [
  ["Run", (run) => h("a", { href: runPage(dag, run.run_id), class: "text run" }, run.run_id)],
  ["State", (run) => [badge(...STATES[run.state]), run.problem && h("p", { class: "soft text" }, run.problem)].filter(Boolean)],
  ["Taken in", (run) => when(run.at), "date"],
  ["From", (run) => run.incoming.map((place) => h("div", { class: "text" }, place))],
  ["Documents", (run) => count(run.documents), "number"],
  ["Outcomes", (run) => Object.entries(run.outcomes).map(([what, many]) => h("div", {}, `${count(many)} ${what}`))],
  ["Held now", (run) => count(run.held), "number"],
];

async function showRuns() {
  const runs = [];
  const body = h("section", {});
  const more = h("button", { hidden: true }, "Older runs");
  let next = "";
  const load = async () => {
    const page = await get(ofCollection("gate-runs", { after: next }));
    runs.push(...page.runs);
    next = page.next;
    more.hidden = !next;
    const shown = runs.length ? table("Runs of the gate", COLUMNS, runs) : h("p", { class: "note" }, `No run yet. Trigger the DAG ${dag}.`);
    body.replaceChildren(h("h2", {}, `Runs (${count(runs.length)} of ${count(page.total)})`), shown);
  };
  more.addEventListener("click", () => take(load));
  await load();
  show(h("h1", {}, `New pictures at the gate of ${dag.replace(/^gate_/, "")}`), body, more);
}

showRuns().catch((error) => show(h("h1", {}, "This did not work"), h("p", { class: "note bad text" }, error.message)));
