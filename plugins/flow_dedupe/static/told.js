// What has just happened, told to eyes and to screen readers, with a way back.
import { h } from "./dom.js";

const foot = document.getElementById("foot");
const place = h("div", { role: "status" });
foot.append(place);
let fading;

/** Tells what happened; `undo` takes it back. Stays until something else happens if there is a way back. */
export function tell(text, undo = null) {
  clearTimeout(fading);
  const button = undo && h("button", { onclick: () => take(undo) }, "Undo", " ", h("kbd", {}, "U"));
  // What stands in a dialog is all that can be reached while it is open.
  const front = document.querySelector("dialog[open]:last-of-type") ?? foot;
  if (place.parentElement !== front) front === foot ? foot.prepend(place) : front.append(place);
  place.replaceChildren(h("div", { class: "told" }, h("span", { class: "text" }, text), button));
  if (!undo) fading = setTimeout(() => place.replaceChildren(), 8000);
}

/** Does something that may be refused, and tells why. */
export async function take(deed) {
  try {
    return await deed();
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    tell(error.message);
    if (error.status === undefined) throw error;
    return undefined;
  }
}
