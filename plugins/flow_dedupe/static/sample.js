// Proof by sample: pairs drawn at random, judged right or wrong with one key each, scores hidden.
import { badge, h, show, table } from "./dom.js";
import { get, ofRun, post } from "./api.js";
import { count, share } from "./figures.js";
import * as keys from "./keys.js";
import { picture } from "./picture.js";
import { take, tell } from "./told.js";
import { mayJudge } from "./verdicts.js";

let pairs = [];
let at = 0;
let proof;
let isBusy = false;
const judged = []; // places of pairs that were judged here

async function load() {
  const found = await get(ofRun("sample"));
  pairs = found.pairs.filter((pair) => !pair.judged);
  proof = found.proof;
  at = 0;
  judged.length = 0;
  draw();
}

function draw() {
  const pair = pairs[at];
  show(
    h("h1", {}, "Proof by sample"),
    h("p", {}, "Each pair is a decision drawn at random: the first picture would go, the second would stay. Are they one picture? Nobody sees the score, so that it cannot sway you."),
    pair ? [question(pair)] : h("p", { class: "note good" }, "No pair is left to be judged in this run."),
    bands(),
  );
}

function question(pair) {
  const side = (id, fields, title) =>
    h("figure", { class: "side card" }, h("h2", {}, title), picture(pair.cluster, id, "large"), h("figcaption", { class: "text" }, h("strong", {}, id), facts(fields)));
  return h(
    "section",
    { "aria-label": "A pair", class: "asked", "data-pair": pair.key },
    h("div", { class: "sides" }, side(pair.document, pair.document_fields, "Would go"), side(pair.keeper, pair.keeper_fields, "Would stay")),
    mayJudge && h("div", { class: "bar answers" }, h("button", { onclick: () => take(() => say(true)) }, "Right: one picture ", h("kbd", {}, "Y")), h("button", { onclick: () => take(() => say(false)) }, "Wrong: two pictures ", h("kbd", {}, "N"))),
  );
}

const facts = (fields) => h("dl", { class: "fields" }, Object.entries(fields).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value ?? "–")))));

async function say(isRight) {
  const pair = pairs[at];
  if (!pair || isBusy) return;
  isBusy = true;
  try {
    await post(ofRun("sample"), { key: pair.key, is_right: isRight });
    judged.push(at);
    at += 1;
    tell(isRight ? "Right." : "Wrong: said to be no duplicates, too.", back);
    if (at < pairs.length) proof = (await get(ofRun("sample"))).proof;
    else await load();
    draw();
  } finally {
    isBusy = false;
  }
}

function back() {
  if (!judged.length) return tell("Nothing was judged here yet.");
  at = judged.pop();
  tell("Judge this one again: the last word counts.");
  return draw();
}

function bands() {
  const needed = (band) => {
    if (proof.asked === null) return "nothing is asked";
    if (band.is_proven) return badge("proven", "good");
    return band.more === null ? badge("no number would do", "bad") : `${count(band.more)} more, if all are right`;
  };
  const columns = [
    ["Scores", (band) => `${band.lowest.toFixed(2)} to ${band.highest.toFixed(2)}`],
    ["Decisions", (band) => count(band.decisions), "number"],
    ["Judged", (band) => count(band.judged), "number"],
    ["Wrong", (band) => count(band.wrong), "number"],
    ["Error rate", (band) => share(band.error_rate), "number"],
    ["At most (95 %)", (band) => share(band.upper_bound), "number"],
    ["Left here", (band) => count(band.left), "number"],
    ["Still needed", needed],
  ];
  const asked = proof.asked === null ? "The settings ask for no proof (guards.max_error_rate)." : `Deletion in a band is refused until at most ${share(proof.asked)} of its decisions can be wrong.`;
  return h("section", {}, h("h2", {}, "What is known of each band"), h("p", { class: "soft text" }, `${asked} Detector: ${proof.detector || "unknown"}.`), table("Bands of scores", columns, proof.bands));
}

load()
  .then(() => mayJudge && keys.on([
    [["y"], "right: one picture", () => say(true)],
    [["n"], "wrong: two pictures", () => say(false)],
    [["u"], "back to the last one", back],
  ]))
  .catch((error) => show(h("h1", {}, "Proof by sample"), h("p", { class: "note bad text" }, error.message)));
