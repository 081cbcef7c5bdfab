// What the runs found, deleted and freed over time. The table beside it says the same in figures.
import { svg } from "./dom.js";
import { bytes, count, when } from "./figures.js";

const WIDTH = 720;
const HEIGHT = 170;
const LEFT = 46;
const RIGHT = 60;
const TOP = 12;
const BOTTOM = 24;

/** A drawing of points {at, found, deleted, freed}, the oldest first. */
export function chart(points) {
  const most = Math.max(1, ...points.map((one) => one.found));
  const mostFreed = Math.max(...points.map((one) => one.freed));
  const slot = (WIDTH - LEFT - RIGHT) / points.length;
  const bar = Math.min(26, slot * 0.36);
  const y = (value, top) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / top;
  const middle = (index) => LEFT + slot * (index + 0.5);
  const column = (kind, offset) => (one, index) =>
    svg(
      "rect",
      { class: kind, x: middle(index) + offset, width: bar, y: y(one[kind], most), height: HEIGHT - BOTTOM - y(one[kind], most) },
      svg("title", {}, `${when(one.at)}: ${count(one[kind])} ${kind}`),
    );
  const spot = (one, index) =>
    svg("circle", { class: "freed", cx: middle(index), cy: y(one.freed, mostFreed), r: 4 }, svg("title", {}, `${when(one.at)}: ${bytes(one.freed)} freed`));
  const line = points.map((one, index) => `${middle(index)},${y(one.freed, mostFreed)}`).join(" ");
  const latest = points.at(-1);
  return svg(
    "svg",
    { class: "chart", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `Of the last ${points.length} runs, the newest found ${count(latest.found)} documents and ${count(latest.deleted)} were deleted.` },
    svg("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM }),
    svg("text", { x: LEFT - 6, y: TOP + 4, "text-anchor": "end" }, count(most)),
    svg("text", { x: LEFT - 6, y: HEIGHT - BOTTOM, "text-anchor": "end" }, "0"),
    points.map(column("found", -bar)),
    points.map(column("deleted", 1)),
    mostFreed > 0 && [
      svg("text", { x: WIDTH - RIGHT + 6, y: TOP + 4, class: "freed" }, bytes(mostFreed)),
      svg("polyline", { class: "freed", points: line }),
      ...points.map(spot),
    ],
    svg("text", { x: LEFT, y: HEIGHT - 6 }, when(points[0].at)),
    points.length > 1 && svg("text", { x: WIDTH - RIGHT, y: HEIGHT - 6, "text-anchor": "end" }, when(latest.at)),
  );
}
