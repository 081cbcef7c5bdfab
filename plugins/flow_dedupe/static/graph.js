// The graph of a cluster: documents as pictures, pairs as lines that are wider the surer they are.
import cytoscape from "./vendor/cytoscape.esm.min.mjs";
import { source } from "./picture.js";

const MOST = 400; // documents; a drawing of more shows nothing
const LEAST = 0.1;

/** How strong a pair's line is: its score above 0.5, and never nothing. */
const strength = (score) => Math.max(LEAST, score - 0.5);

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export const canDraw = (documents) => documents.length <= MOST;

/** Draws the cluster into `place`; `chosen` is called with the document that was clicked. */
export function draw(place, cluster, documents, pairs, chosen) {
  const ink = paint(colour("--ink"));
  const graph = cytoscape({
    container: place,
    elements: [...documents.map(node(cluster)), ...pairs.filter(isDrawn(documents)).map(edge)],
    layout: { name: "cose", animate: false, nodeRepulsion: 60000, idealEdgeLength: 150, padding: 20 },
    minZoom: 0.1,
    maxZoom: 3,
    style: [
      {
        selector: "node",
        style: {
          shape: "rectangle",
          width: 110,
          height: 110,
          "background-color": paint(colour("--well")),
          "background-image": "data(image)",
          "background-fit": "contain",
          "border-width": 1,
          "border-color": paint(colour("--edge")),
          label: "data(name)",
          color: ink,
          "font-size": 12,
          "text-valign": "bottom",
          "text-margin-y": 4,
          "text-wrap": "ellipsis",
          "text-max-width": 130,
        },
      },
      { selector: "node[?keeper]", style: { "border-width": 5, "border-color": paint(colour("--good")) } },
      {
        selector: "edge",
        style: { width: "data(width)", opacity: "data(opacity)", "line-color": ink, "curve-style": "straight" },
      },
      {
        selector: "edge[?bridge]",
        style: { "line-style": "dashed", "line-color": paint(colour("--warn")), opacity: 1 },
      },
    ],
  });
  graph.on("tap", "node", (event) => chosen(event.target.data("document")));
  return graph;
}

/** A colour as a drawing takes it: numbers, whatever form the style sheet has it in. */
function paint(text) {
  const pixel = document.createElement("canvas").getContext("2d");
  pixel.fillStyle = text;
  pixel.fillRect(0, 0, 1, 1);
  const [red, green, blue] = pixel.getImageData(0, 0, 1, 1).data;
  return `rgb(${red}, ${green}, ${blue})`;
}

const node = (cluster) => (one) => ({
  data: {
    id: `document ${one.id}`,
    document: one.id,
    name: one.id,
    keeper: one.is_keeper,
    image: source(cluster, one.id, "small"),
  },
});

/** A pair is drawn where both of its documents are. */
function isDrawn(documents) {
  const known = new Set(documents.map((one) => one.id));
  return (pair) => known.has(pair.id_a) && known.has(pair.id_b);
}

function edge(pair) {
  const data = {
    source: `document ${pair.id_a}`,
    target: `document ${pair.id_b}`,
    bridge: pair.bridge,
    opacity: strength(pair.score),
    width: strength(pair.score) * 20,
  };
  return { data };
}
