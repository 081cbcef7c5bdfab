// Where the last look saw that the pictures of a document and of its keeper differ.
import { svg } from "./dom.js";
import { share } from "./figures.js";

const MARGIN = 0.015; // of the longer side: what differs is inside the frame, not under it

/** What the last look saw of a document, or of it and `other`, among outcomes; undefined if nothing. */
export const changeOf = (outcomes, id, other = null) =>
  outcomes.find(
    (one) => one.change.length && (other ? [one.id, one.keeper_id].every((each) => each === id || each === other) : one.id === id),
  );

/** A frame to lay over a picture of `width` by `height` that is shown as large as its place allows. */
export function frame({ keeper_id: keeper, change }, width, height) {
  const [left, top, right, bottom] = change;
  const margin = MARGIN * Math.max(width, height);
  const inside = (value, end) => Math.min(Math.max(value, margin / 4), end - margin / 4);
  const x = inside(left * width - margin, width);
  const y = inside(top * height - margin, height);
  const sides = { x, y, width: inside(right * width + margin, width) - x, height: inside(bottom * height + margin, height) - y };
  const told = `Differs here from its keeper: ${keeper}, at ${share(left)} to ${share(right)} of the width and ${share(top)} to ${share(bottom)} of the height`;
  return svg(
    "svg",
    { class: "change", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": told },
    svg("rect", { class: "around", ...sides }),
    svg("rect", sides, svg("title", {}, told)),
  );
}
