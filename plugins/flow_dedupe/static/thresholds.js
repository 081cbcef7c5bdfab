// What if: what every threshold would group and delete, and what the calibration says of the run's own.
import { h, svg, table } from "./dom.js";
import { get, ofRun } from "./api.js";
import { bytes, count } from "./figures.js";
import { take } from "./told.js";

const WIDTH = 720;
const HEIGHT = 220;
const LEFT = 76;
const RIGHT = 12;
const TOP = 36;
const BOTTOM = 24;
const LINES = [
  ["documents", "documents in clusters", null],
  ["deletes", "documents that would go if all these pairs were deleted", "9 5"],
  ["clusters", "clusters", "2 4"],
];

/** A part of the page that is filled when it is opened. */
export function thresholds() {
  const inside = h("div", {});
  const fill = async () => inside.replaceChildren(...drawn(await get(ofRun("thresholds"))));
  return h(
    "details",
    { class: "thresholds", ontoggle: (event) => event.target.open && !inside.childElementCount && take(fill) },
    h("summary", {}, "What if the threshold were another?"),
    inside,
  );
}

function drawn(found) {
  const says = h("p", { class: "text" }, found.says.join(" "));
  if (!found.points.length) return [says, h("p", {}, "The report of this run does not tell.")];
  const size = (one) => (found.has_sizes ? bytes(one.bytes) : "not known");
  const name = (one) => Object.entries(found.marks).filter(([, at]) => at === one.threshold).map(([mark]) => mark);
  const columns = [
    ["Threshold", (one) => [one.threshold, ...name(one)].join(" ")],
    ["Clusters", (one) => count(one.clusters), "number"],
    ["Documents", (one) => count(one.documents), "number"],
    ["Would go", (one) => count(one.deletes), "number"],
    ["Bytes", size, "number"],
  ];
  const most = Math.max(1, ...found.points.map((one) => one.documents));
  const largest = Math.max(1, ...found.points.map((one) => one.bytes));
  return [
    says,
    curve("Documents and clusters from each threshold up", found, LINES, most, count(most)),
    found.has_sizes && curve("Bytes freed from each threshold up", found, [["bytes", "bytes that would be freed", null]], largest, bytes(largest)),
    h("p", { class: "soft" }, "From the pairs that are known. One document of each cluster stays, as the keeper rules say, and so does what has no pair with it or is protected."),
    h("details", {}, h("summary", {}, "The same in figures"), table("By threshold", columns, found.points)),
  ].filter(Boolean);
}

function curve(title, found, lines, most, top) {
  const lowest = found.points[0].threshold;
  const x = (score) => LEFT + ((WIDTH - LEFT - RIGHT) * (score - lowest)) / (1 - lowest);
  const y = (value) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / most;
  const marks = Object.entries(found.marks)
    .filter(([, at]) => at >= lowest)
    .sort((one, other) => one[1] - other[1]);
  const key = ([, label, dashes], row) =>
    svg("g", { transform: `translate(${LEFT} ${HEIGHT + 14 + 16 * row})` }, svg("line", { class: "line", x2: 40, "stroke-dasharray": dashes }), svg("text", { x: 48, y: 4 }, label));
  return svg(
    "svg",
    { class: "curve", viewBox: `0 0 ${WIDTH} ${HEIGHT + 16 * lines.length + 4}`, role: "img", "aria-label": title },
    svg("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: y(0), y2: y(0) }),
    svg("text", { x: LEFT - 6, y: TOP + 4, "text-anchor": "end" }, top),
    svg("text", { x: LEFT - 6, y: y(0), "text-anchor": "end" }, "0"),
    svg("text", { x: LEFT, y: HEIGHT - 6 }, `score ${lowest}`),
    svg("text", { x: WIDTH - RIGHT, y: HEIGHT - 6, "text-anchor": "end" }, "1"),
    marks.map(([label, at], row) => [
      svg("line", { class: "mark", x1: x(at), x2: x(at), y1: TOP - 8, y2: y(0) }),
      svg("text", { x: x(at) - 4, y: 11 + 13 * (row % 2), "text-anchor": at > (1 + lowest) / 2 ? "end" : "start" }, `${label} ${at}`),
    ]),
    lines.map(([field, , dashes]) =>
      svg("polyline", { class: "line", "stroke-dasharray": dashes, points: found.points.map((one) => `${x(one.threshold)},${y(one[field])}`).join(" ") }),
    ),
    lines.map(key),
  );
}
