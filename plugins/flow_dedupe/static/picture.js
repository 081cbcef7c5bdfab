// Pictures of documents. One that is broken says why and breaks nothing else; one shown in part says so.
import { h } from "./dom.js";
import { ofRun } from "./api.js";

/** The address of the picture of a document of a cluster; `view` is small or large. */
export const source = (cluster, document, view) => ofRun("picture", { cluster, document, view });

const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      near.unobserve(entry.target);
      entry.target.dispatchEvent(new Event("near"));
    }
  },
  { rootMargin: "400px" },
);

/** A picture of a document, fetched when it comes near; `drawn` makes what lies over it, of its width and height. */
export const picture = (cluster, document, view = "small", drawn = null) => pictureAt(source(cluster, document, view), document, drawn);

/** The picture at an address, as `picture` shows it. */
export function pictureAt(address, document, drawn = null) {
  const frame = h("div", { class: "picture", "aria-busy": "true" });
  frame.addEventListener("near", () => fill(frame, address, document, drawn));
  near.observe(frame);
  return frame;
}

async function fill(frame, address, document, drawn) {
  try {
    const answer = await ask(address);
    const about = JSON.parse(answer.headers.get("X-Picture") ?? "{}");
    const url = URL.createObjectURL(await answer.blob());
    const free = () => URL.revokeObjectURL(url);
    frame.replaceChildren(h("img", { src: url, alt: `Picture of ${document}`, onload: free, onerror: free }));
    if (drawn) frame.append(drawn(about.width, about.height));
    if (about.note) frame.append(h("span", { class: "in-part" }, about.note));
  } catch (error) {
    frame.replaceChildren(h("p", { class: "why", title: error.message }, h("strong", {}, "No picture. "), error.message));
  }
  frame.setAttribute("aria-busy", "false");
}

/** Why a picture cannot be shown. */
export async function reason(cluster, document, view) {
  return ask(source(cluster, document, view)).then(() => "The browser cannot show it.", (error) => error.message);
}

async function ask(address) {
  const answer = await fetch(address, { headers: { Accept: "image/jpeg, application/json" } });
  if (answer.ok) return answer;
  throw new Error((await answer.json().catch(() => ({}))).detail ?? `The server answered ${answer.status}.`);
}
