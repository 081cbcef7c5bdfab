// The way to the server: as Airflow's own user, from this page only.

const { base, dag, run } = document.body.dataset;
const OWN = { "X-Flow-Dedupe": "page" };

/** What the server refuses: `status`, 0 where it cannot be reached, and `detail` as it came. */
export class Refused extends Error {
  constructor(status, detail) {
    super(typeof detail === "string" ? detail : (detail?.message ?? `The server answered ${status}.`));
    this.status = status;
    this.detail = detail;
  }
}

function joined(places, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) if (one !== "" && one !== null && one !== undefined) query.append(name, one);
  }
  return `${base}/${places.map(encodeURIComponent).join("/")}${query.size ? `?${query}` : ""}`;
}

/** The address of a page: of a DAG's collection, of a run of it, of a part of the run. */
export const page = (places, parameters = {}) => joined(places, parameters);
export const collectionPage = (dagId = dag) => `${page([dagId])}/`;
export const runPage = (dagId = dag, runId = run) => `${page([dagId, "runs", runId])}/`;
export const partPage = (part, parameters = {}) => page([dag, "runs", run, ...[part].flat()], parameters);

/** The address of data: of all, of the page's collection, of the page's run. */
export const data = (places, parameters = {}) => joined(["data", ...[places].flat()], parameters);
export const ofCollection = (places, parameters = {}, dagId = dag) => data([dagId, ...[places].flat()], parameters);
export const ofRun = (places, parameters = {}) => data([dag, "runs", run, ...[places].flat()], parameters);

export const get = (url, options = {}) => ask(url, options);

export const post = (url, body) =>
  ask(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, { ...options, headers: { Accept: "application/json", ...OWN, ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "The server cannot be reached. Nothing was changed; try again.");
  }
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, body?.detail ?? `The server answered ${answer.status}.`);
  return body;
}
