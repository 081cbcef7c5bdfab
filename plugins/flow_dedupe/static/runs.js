// The collections and their runs: what each came to, and what waits for a person.
import { badge, h, show, svg, table, tiles } from "./dom.js";
import { collectionPage, data, get, ofCollection, runPage } from "./api.js";
import { bytes, count, share, when } from "./figures.js";
import { chart } from "./chart.js";
import { take } from "./told.js";

export const STATES = {
  scanning: ["scanning", "other"],
  report_only: ["report only", ""],
  dry_run: ["dry run", ""],
  nothing_to_do: ["nothing to do", ""],
  blocked: ["blocked by a guard", "bad"],
  waiting: ["waiting for approval", "warn"],
  superseded: ["superseded", ""],
  rejected: ["rejected", ""],
  applying: ["applying", "other"],
  applied: ["applied", "good"],
  restored: ["restored", "other"],
  failed: ["failed", "bad"],
  damaged: ["damaged", "bad"],
};
const { dag } = document.body.dataset;

const stateBadge = (run) => badge(...(STATES[run.state] ?? [run.state, ""]));

const COLUMNS = [
  ["Run", (run) => h("a", { href: runPage(`dedupe_${run.collection}`, run.run_id), class: "text run" }, run.run_id)],
  ["State", (run) => [stateBadge(run), ...notes(run).map((note) => h("p", { class: "soft text" }, note))]],
  ["Planned", (run) => when(run.at), "date"],
  ["Scope", (run) => h("span", { class: "text scope" }, run.scope)],
  ["Scanned", (run) => share(run.coverage), "number"],
  ["Clusters", (run) => count(run.clusters), "number"],
  ["Duplicates", (run) => count(run.duplicates), "number"],
  ["Decisions", (run) => Object.entries(run.decisions).map(([what, many]) => h("div", {}, `${count(many)} ${what}`))],
  ["Deleted", (run) => count(run.deleted), "number"],
  ["Space", space, "number"],
  ["Cost", (run) => Object.entries(run.cost).map(([what, many]) => h("div", {}, `${count(Math.round(many * 10) / 10)} ${what.replaceAll("_", " ")}`))],
];

function notes(run) {
  const by = run.superseded_by ? [`by ${run.superseded_by}`] : [];
  return [...by, ...(run.problem ? [run.problem] : []), ...run.notes];
}

function space(run) {
  const lines = [];
  if (run.bytes_freed) lines.push(`${bytes(run.bytes_freed)} freed`);
  else if (run.bytes_to_free) lines.push(`${bytes(run.bytes_to_free)} to free`);
  if (run.bytes_unknown) lines.push(`${count(run.bytes_unknown)} of unknown size`);
  return lines.length ? lines.map((line) => h("div", {}, line)) : "–";
}

const runTable = (runs, caption) => table(caption, COLUMNS, runs);

async function showCollections() {
  const found = await get(data("collections"));
  show(
    h("h1", {}, "Duplicates"),
    found.length ? found.map(card) : h("p", { class: "note" }, "There is no collection that you may see. A collection is a YAML file; it has a DAG named dedupe_… on which you need the right to read."),
  );
}

function card(one) {
  const waiting = one.newest.find((run) => run.state === "waiting");
  const newest = one.newest[0];
  return h(
    "section",
    { class: "card collection", "aria-label": `Collection ${one.name}` },
    h("div", { class: "bar" }, h("h2", {}, h("a", { href: collectionPage(one.dag_id) }, one.name)), newest && stateBadge(newest), one.gate && gateLink(one.gate), waiting && h("a", { class: "button main end", href: runPage(one.dag_id, waiting.run_id) }, "Judge what waits")),
    one.description && h("p", { class: "soft text" }, one.description),
    one.problem && h("p", { class: "note bad text" }, one.problem),
    newest
      ? tiles([["Runs", count(one.runs)], ["Clusters of the newest", count(newest.clusters)], ["Duplicates", count(newest.duplicates)], ["Deleted", count(newest.deleted)], ["To free", bytes(newest.bytes_to_free)]])
      : !one.problem && h("p", { class: "soft" }, `No run yet. Trigger the DAG ${one.dag_id}.`),
    one.newest.length ? runTable(one.newest, `The newest runs of ${one.name}`) : null,
  );
}

const gateLink = (gate) => h("a", { href: collectionPage(gate) }, "New pictures at its gate");

async function showRuns() {
  const runs = [];
  const head = h("div", { class: "bar" });
  const body = h("div", {});
  const more = h("button", { hidden: true }, "Older runs");
  let next = "";
  const load = async () => {
    const { page, points, gate } = await get(ofCollection("runs", { after: next }));
    head.replaceChildren(...[h("h1", {}, `Duplicates in ${dag.replace(/^dedupe_/, "")}`), gate && gateLink(gate)].filter(Boolean));
    runs.push(...page.runs);
    next = page.next;
    more.hidden = !next;
    if (!body.childElementCount && points.length) body.append(drawing(points));
    body.querySelector(".runs")?.remove();
    const shown = runs.length ? runTable(runs, "Runs") : h("p", { class: "note" }, `No run yet. Trigger the DAG ${dag}.`);
    body.append(h("section", { class: "runs" }, h("h2", {}, `Runs (${count(runs.length)} of ${count(page.total)})`), shown));
  };
  more.addEventListener("click", () => take(load));
  await load();
  show(head, body, more);
}

function drawing(points) {
  const key = (kind, text) => h("li", {}, svg("svg", { class: "chart swatch", viewBox: "0 0 12 12", "aria-hidden": "true" }, svg("rect", { class: `${kind} filled`, width: 12, height: 12 })), ` ${text}`);
  return h(
    "figure",
    { class: "card over-time" },
    chart(points),
    h("figcaption", {}, h("ul", {}, key("found", "duplicates found"), key("deleted", "deleted"), key("freed", "bytes freed"))),
  );
}

function failed(error) {
  show(h("h1", {}, "This did not work"), h("p", { class: "note bad text" }, error.message));
}

(dag ? showRuns() : showCollections()).catch(failed);
