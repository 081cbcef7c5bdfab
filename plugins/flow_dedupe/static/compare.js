// Two pictures laid over each other: a curtain between them, one after the other, or what tells them apart.
import { frame } from "./change.js";
import { h } from "./dom.js";
import * as keys from "./keys.js";
import { reason, source } from "./picture.js";

const BLINK = 700; // milliseconds
const MODES = [
  ["slide", "Slider", "1"],
  ["blink", "Blink", "2"],
  ["difference", "Difference", "3"],
];

/**
 * Opens the comparison of document `first` of a cluster with one of `others`, and resolves when it is closed.
 * `changed` tells what the last look saw of two documents. `judging` are further keys, [keys, label, deed]; a
 * deed gets the document that is in front.
 */
export function compare(cluster, first, others, start, changed, judging = []) {
  let at = Math.max(0, others.indexOf(start));
  let mode = MODES[0][0];
  let ticking;
  const under = h("img", { alt: "" });
  const over = h("img", { alt: "" });
  const why = h("p", { class: "note bad text", hidden: true });
  const slider = h("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": "How much of the second picture is seen", oninput: slide });
  const title = h("h2", { id: "compared", class: "text" });
  const stage = h("div", { class: "stage" }, under, over);
  const buttons = MODES.map(([name, label, key]) =>
    h("button", { "aria-pressed": "false", "data-mode": name, onclick: () => turn(name) }, label, " ", h("kbd", {}, key)),
  );
  const step = (by) => () => look(at + by);
  const around = others.length > 1;
  const moves = around ? [h("button", { onclick: step(-1) }, "← Previous"), h("button", { onclick: step(1) }, "Next →")] : [];
  const dialog = h(
    "dialog",
    { class: "compare", "aria-labelledby": "compared" },
    title,
    h("div", { class: "bar" }, buttons, slider, moves, h("button", { class: "end", onclick: () => dialog.close() }, "Close")),
    why,
    stage,
  );
  under.addEventListener("error", () => broken(first));
  over.addEventListener("error", () => broken(others[at]));
  over.addEventListener("load", () => {
    const change = changed(first, others[at]);
    stage.querySelector(".change")?.remove();
    if (change) stage.append(frame(change, over.naturalWidth, over.naturalHeight));
  });

  function look(next) {
    at = (next + others.length) % others.length;
    why.hidden = true;
    stage.querySelector(".change")?.remove();
    under.src = source(cluster, first, "large");
    over.src = source(cluster, others[at], "large");
    under.alt = `Document ${first}`;
    over.alt = `Document ${others[at]}`;
    title.textContent = `${first} and ${others[at]}`;
  }

  async function broken(id) {
    why.textContent = `${id} has no picture to compare: ${await reason(cluster, id, "large")}`;
    why.hidden = false;
  }

  function slide() {
    over.style.clipPath = mode === "slide" ? `inset(0 0 0 ${slider.value}%)` : "";
  }

  function turn(name) {
    mode = name;
    clearInterval(ticking);
    over.style.opacity = "1";
    stage.dataset.mode = name;
    slider.hidden = name !== "slide";
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.mode === name));
    slide();
    if (name === "blink") ticking = setInterval(() => (over.style.opacity = over.style.opacity === "1" ? "0" : "1"), BLINK);
  }

  return new Promise((resolve) => {
    document.body.append(dialog);
    const off = keys.on(
      [
        ...MODES.map(([name, label, key]) => [[key], label, () => turn(name)]),
        ...(around ? [[["ArrowRight", "j"], "next picture", step(1)], [["ArrowLeft", "k"], "previous picture", step(-1)]] : []),
        ...judging.map(([names, label, deed]) => [names, label, () => deed(others[at])]),
        [["Escape", "c"], "close", () => dialog.close()],
      ],
      dialog,
    );
    dialog.addEventListener("close", () => {
      clearInterval(ticking);
      off();
      dialog.remove();
      resolve();
    });
    look(at);
    turn(mode);
    dialog.showModal();
  });
}
