// Keys: what is in front has them all, and a legend shows them. Nothing behind a dialog hears a key.
import { h } from "./dom.js";
import { take } from "./told.js";

const layers = [];
const OFF = "flow-dedupe-keys-off";
const legend = h("section", { class: "legend", "aria-label": "Keys" });

/**
 * Lets a layer have the keys until `off` is called. Its keys are [keys, label, what it does, how it is shown];
 * `keys` are such as `KeyboardEvent.key` says, and the first one is shown. `place` is where the legend stands.
 */
export function on(keys, place = document.getElementById("foot")) {
  const layer = { keys, place };
  layers.push(layer);
  showLegend();
  return function off() {
    layers.splice(layers.indexOf(layer), 1);
    showLegend();
  };
}

const NAMES = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓", Escape: "Esc", " ": "Space" };
const isOff = () => localStorage.getItem(OFF) === "yes";

function showLegend() {
  const front = layers.at(-1);
  legend.remove();
  if (!front) return;
  const toggle = h("button", { class: "end keyed", "aria-pressed": String(!isOff()), onclick: turn }, `Keys ${isOff() ? "off" : "on"}`);
  const shown = front.keys.map(([keys, label, , sign = keys[0]]) => h("li", {}, h("kbd", {}, NAMES[sign] ?? sign.toUpperCase()), ` ${label}`));
  legend.classList.toggle("off", isOff());
  legend.replaceChildren(h("ul", {}, shown), toggle);
  front.place.append(legend);
}

function turn() {
  localStorage.setItem(OFF, isOff() ? "no" : "yes");
  showLegend();
  legend.querySelector("button").focus();
}

function isTyping(target) {
  return target.closest?.("input:not([type=checkbox], [type=radio], [type=range]), select, textarea");
}

function isPressing(target, key) {
  return (key === "Enter" || key === " ") && target.closest?.("a, button, summary, input");
}

function isSliding(target, key) {
  return key.startsWith("Arrow") && target.closest?.("input[type=range], [role=application]");
}

addEventListener("keydown", (event) => {
  const front = layers.at(-1);
  const dialog = document.querySelector("dialog[open]:last-of-type");
  if (!front || isOff() || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (dialog && !dialog.contains(front.place)) return;
  if (isTyping(event.target) || isPressing(event.target, event.key) || isSliding(event.target, event.key)) return;
  const pressed = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const binding = front.keys.find(([keys]) => keys.includes(pressed));
  if (!binding) return;
  event.preventDefault();
  if (!event.repeat || pressed.startsWith("Arrow")) take(() => binding[2](pressed));
});
