// Which clusters are wanted, in which order: a form whose answers are part of the page's address.
import { h } from "./dom.js";

const CLASSES = ["exact", "near", "mixed"];
const DECISIONS = ["keep", "delete", "condemn", "tag", "link", "replace", "merge", "export", "review", "untag"];
const NAMES = ["duplicates", "least", "most", "chained", "hub", "decisions", "field", "value", "text", "judged", "sort"];
const SORTS = [
  ["size", "the largest first"],
  ["weakest", "the weakest link first"],
  ["bytes", "most bytes to free first"],
];

/** What the page's address asks for. */
export function wanted() {
  const given = new URLSearchParams(location.search);
  const found = {};
  for (const name of NAMES) {
    const values = given.getAll(name).filter(Boolean);
    if (values.length) found[name] = name === "duplicates" || name === "decisions" ? values : values[0];
  }
  return found;
}

/** The same as a message: what is no list and no text has its kind. */
export function asMessage(asked) {
  const message = { ...asked };
  for (const name of ["least", "most"]) if (name in message) message[name] = Number(message[name]);
  for (const name of ["chained", "hub"]) if (name in message) message[name] = message[name] === "true";
  return message;
}

const option = (chosen) => ([value, label]) => h("option", { value, selected: value === (chosen ?? "") }, label);
const choice = (label, name, options, chosen) => h("label", {}, label, h("select", { name }, options.map(option(chosen))));
const yesNo = (yes, no) => [["", "any"], ["true", yes], ["false", no]];

/** The form; `changed` is called when the address has changed. */
export function form(fields, changed) {
  const now = wanted();
  const box = (name) => (value) =>
    h("label", {}, h("input", { type: "checkbox", name, value, checked: now[name]?.includes(value) }), value);
  const size = (name, label) => h("label", {}, label, h("input", { type: "number", name, min: 1, value: now[name], class: "short" }));
  const element = h(
    "form",
    { class: "filters card", role: "search", "aria-label": "Filters", onsubmit: submitted },
    choice("Show", "judged", [["no", "not yet judged"], ["yes", "judged"], ["all", "all"]], now.judged ?? "no"),
    choice("Order", "sort", SORTS, now.sort ?? "size"),
    h("label", {}, "Text", h("input", { type: "search", name: "text", value: now.text, placeholder: "in ids and fields" })),
    h(
      "details",
      { open: Object.keys(now).some((name) => !["judged", "sort", "text"].includes(name)) },
      h("summary", {}, "More filters"),
      h("fieldset", {}, h("legend", {}, "Class"), CLASSES.map(box("duplicates"))),
      h("fieldset", {}, h("legend", {}, "Documents"), size("least", "from"), size("most", "to")),
      choice("Chain", "chained", yesNo("chained", "all are pairs"), now.chained),
      choice("Hub", "hub", yesNo("known in part", "known in full"), now.hub),
      h("fieldset", {}, h("legend", {}, "Decision"), DECISIONS.map(box("decisions"))),
      choice("Field", "field", [["", "–"], ...fields.map((one) => [one, one])], now.field),
      h("label", {}, "is", h("input", { name: "value", value: now.value, "aria-label": "Value of the field" })),
    ),
    h("div", { class: "bar" }, h("button", { class: "main" }, "Apply"), h("button", { type: "button", onclick: cleared }, "Clear")),
  );
  element.addEventListener("change", (event) => event.target.matches("select:not([name=field])") && element.requestSubmit());

  function submitted(event) {
    event.preventDefault();
    const asked = new URLSearchParams();
    for (const [name, value] of new FormData(element)) if (value) asked.append(name, value);
    go(asked);
  }

  function cleared() {
    element.reset();
    for (const one of element.querySelectorAll("[name]")) one.type === "checkbox" ? (one.checked = false) : (one.value = "");
    element.elements.judged.value = "no";
    element.elements.sort.value = "size";
    go(new URLSearchParams());
  }

  function go(asked) {
    history.replaceState(null, "", asked.size ? `?${asked}` : location.pathname);
    changed();
  }

  return element;
}
