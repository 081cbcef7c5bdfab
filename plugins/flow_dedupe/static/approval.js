// What will happen after all verdicts, how that differs from the question, and the answer to it.
import { badge, confirmed, h, main, show, table, tiles } from "./dom.js";
import { get, ofRun, partPage, post, runPage } from "./api.js";
import { bytes, count, counted, when } from "./figures.js";
import { take, tell } from "./told.js";

const mayAnswer = "mayAnswer" in document.body.dataset;
const WRITING = ["delete", "merge", "condemn", "link", "replace", "tag", "untag"];
let part = {};

/** Shows the effect of the part as it is now; where another part is chosen meanwhile, that one's is shown. */
async function load(changed = null) {
  const shown = part;
  const [{ run }, question] = await Promise.all([get(ofRun("summary")), get(ofRun("question"))]);
  const effect = changed ?? (await get(ofRun("effect", shown)));
  if (shown !== part) return;
  show(
    h("div", { class: "bar" }, h("h1", {}, "What will happen"), h("span", { class: "end bar" }, h("a", { class: "button", href: partPage("report") }, "Report"), h("a", { class: "button", href: runPage() }, "See the clusters"))),
    changed && h("p", { class: "note warn", role: "alert" }, "The decisions are not those that you saw. What changed since is marked below; look at it, then answer again."),
    state(run, question, effect),
    effect.problems.map((problem) => h("p", { class: "note bad text" }, problem)),
    tiles([
      ["Documents written to", count(effect.acts)],
      ["Deleted", count(effect.deletes)],
      ["Freed", bytes(effect.bytes_to_free)],
      ["Of unknown size", count(effect.bytes_unknown)],
      ...(effect.held ? [["Held until a sample proves their band", count(effect.held)]] : []),
    ]),
    counts(effect, changed, question),
    changes(effect, changed),
    h("p", { class: "soft" }, "Decisions ", h("code", {}, effect.hash), effect.compared && effect.compared !== effect.hash ? [", compared with ", h("code", {}, effect.compared)] : null),
    chooser(question, effect),
    answers(question, effect, shown),
  );
}

/** What of it is approved: by policy, class, score and cluster; the rest stays open. */
function chooser(question, effect) {
  if (!question || question.answered_at || effect.superseded_by || !mayAnswer) return null;
  const field = (label, name, input) => h("label", {}, label, " ", Object.assign(input, { name }));
  const options = (values, any, chosen) => [h("option", { value: "" }, any), ...values.map((one) => h("option", { value: one, selected: one === chosen }, one))];
  const score = (value) => h("input", { type: "number", min: 0, max: 1, step: "any", value: value ?? "" });
  const there = WRITING.filter((one) => effect.counts.some((count) => count.decision === one && count.documents));
  const form = h(
    "form",
    { class: "bar", "aria-label": "Approve a part only" },
    field("Policy", "only_decisions", h("select", {}, options(there, "all", part.only_decisions))),
    field("Class", "only_class", h("select", {}, options(["exact", "near"], "both", part.only_class))),
    field("Score from", "score_from", score(part.score_from)),
    field("to", "score_to", score(part.score_to)),
    field("Clusters", "only_clusters", h("input", { type: "text", placeholder: "all; names with spaces between", value: [part.only_clusters ?? []].flat().join(" ") })),
  );
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => {
    const given = Object.fromEntries([...new FormData(form)].filter(([, value]) => value.trim()));
    if (given.only_clusters) given.only_clusters = given.only_clusters.split(/\s+/).filter(Boolean);
    if (JSON.stringify(given) === JSON.stringify(part)) return;
    part = given;
    for (const button of main.querySelectorAll(".decide button")) button.disabled = true;
    take(() => load());
  });
  const left = effect.acts - effect.part.acts;
  return h("section", {}, h("h2", {}, "Approve a part only"), form, left ? h("p", { class: "note" }, `${counted(left, "document")} would stay open: a later run asks about them again.`) : null);
}

/** A part as the answer has it. */
function chosen(part) {
  const numbers = Object.fromEntries(["score_from", "score_to"].filter((name) => part[name]).map((name) => [name, Number(part[name])]));
  return { ...part, ...(part.only_decisions ? { only_decisions: [part.only_decisions] } : {}), ...numbers };
}

function state(run, question, effect) {
  if (!question) return h("p", { class: "note" }, { dry_run: "This is a dry run: nobody is asked, nothing is written.", superseded: "A newer run has decided anew; this one does nothing." }[run.state] ?? "Nobody was asked about this run.");
  if (!question.answered_at) return effect.superseded_by ? h("p", { class: "note warn text" }, `The newer run ${effect.superseded_by} has decided anew; this question closes by itself. It can be rejected, not approved.`) : h("p", { class: "note warn" }, h("strong", {}, "This run waits for an answer. "), "Only what is approved and still stands when it is carried out is done; everything deleted can be restored.");
  const only = Object.entries(question.part).map(([name, value]) => `${name} ${[value].flat().join(" ")}`);
  return h("p", { class: "note good text" }, `Answered: ${[question.chosen.join(", "), ...only].join(", ")}, by ${question.by ?? "nobody, in time"}, ${when(question.answered_at)}.`);
}

function counts(effect, changed, question) {
  const difference = (one) => (one.documents === one.before ? h("span", { class: "soft" }, "the same") : badge(`${one.documents > one.before ? "+" : "−"}${count(Math.abs(one.documents - one.before))}`, "warn"));
  const columns = [
    ["Decision", (one) => one.decision],
    ["Class", (one) => one.duplicates],
    ["Documents", (one) => count(one.documents), "number"],
    [changed ? "When you looked" : question ? "In the question" : "At first", (one) => count(one.before), "number"],
    ["Difference", difference],
  ];
  return effect.counts.length ? h("section", {}, h("h2", {}, "By decision and class"), table("Decisions by class", columns, effect.counts)) : h("p", { class: "note" }, "There are no decisions.");
}

function changes(effect, changed) {
  if (!effect.changed) return h("p", { class: "soft" }, changed ? "Nothing changed." : "Nothing differs from what was decided at first.");
  const columns = [
    ["Document", (one) => h("span", { class: "text" }, one.id)],
    ["Cluster", (one) => one.cluster && h("a", { href: partPage(["clusters", one.cluster]) }, one.cluster)],
    ["Was", (one) => one.before || "–"],
    ["Is now", (one) => one.now || "–"],
    ["Why", (one) => h("span", { class: "text" }, one.reason)],
  ];
  return h("section", {}, h("h2", {}, `What changed (${count(effect.changes.length)} of ${counted(effect.changed, "document")})`), table("What changed", columns, effect.changes));
}

function answers(question, effect, shown) {
  if (!question || question.answered_at) return null;
  if (!mayAnswer) return h("p", { class: "note" }, "You may see this, but not answer: that takes the right to answer the questions of the DAG.");
  const send = (approve) => async () => {
    const what = approve ? [`${counted(effect.part.acts, "document")} will be written to, ${count(effect.part.deletes)} of them deleted.`] : ["Nothing will be written; the run ends."];
    if (!(await confirmed(approve ? "Approve these decisions?" : "Reject all of it?", what, approve ? "Approve" : "Reject"))) return;
    try {
      await post(ofRun("answer"), { hash: effect.hash, approve, ...(approve ? chosen(shown) : {}) });
    } catch (error) {
      if (error.status === 409) await load(error.detail?.effect ?? null);
      throw error;
    }
    await load();
    tell(approve ? "Approved. The run goes on." : "Rejected. Nothing is written.");
  };
  return h(
    "div",
    { class: "bar decide" },
    !effect.superseded_by && h("button", { class: "main", disabled: (effect.problems.length > 0 && effect.part.acts === effect.acts) || !effect.part.acts, onclick: () => take(send(true)) }, `Approve: ${counted(effect.part.acts, "document")}`),
    h("button", { onclick: () => take(send(false)) }, "Reject all"),
  );
}

load().catch((error) => show(h("h1", {}, "Approval"), h("p", { class: "note bad text" }, error.message)));
