// Elements, made without markup: whatever comes from a collection stays text.

/** Makes an element. `on…` are listeners, `true` and `false` set or leave out an attribute; text stays text. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Makes an element of a drawing, as `h` does. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const main = document.querySelector("main");

/** Shows these elements as the page; tells whether what had the focus is gone with what was shown before. */
export function show(...elements) {
  const hadFocus = main.contains(document.activeElement);
  main.replaceChildren(...elements.flat().filter(Boolean));
  main.setAttribute("aria-busy", "false");
  if (hadFocus) main.focus({ preventScroll: true });
  return hadFocus;
}

/** A badge; `kind` is good, warn, bad, other or nothing. */
export function badge(text, kind = "") {
  return h("span", { class: `badge ${kind}` }, text);
}

/** Tiles of a name and a figure each. */
export function tiles(figures) {
  const tile = ([name, figure]) => h("div", {}, h("dt", {}, name), h("dd", {}, figure));
  return h("dl", { class: "tiles" }, figures.map(tile));
}

/** A table; a column is [title, how a row fills it, class]; the first column names the row. */
export function table(caption, columns, rows, attributes = () => ({})) {
  const cell = (row) => ([, fill, kind], index) =>
    h(index ? "td" : "th", { class: kind, scope: index ? null : "row" }, fill(row));
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, columns.map(([title, , kind]) => h("th", { class: kind, scope: "col" }, title)))),
      h("tbody", {}, rows.map((row) => h("tr", attributes(row), columns.map(cell(row))))),
    ),
  );
}

/** Asks before something is done: resolves to whether the person agreed. */
export function confirmed(title, lines, yes) {
  return new Promise((resolve) => {
    const dialog = h(
      "dialog",
      { "aria-labelledby": "asked", onclose: () => (resolve(dialog.returnValue === "yes"), dialog.remove()) },
      h("h2", { id: "asked" }, title),
      lines.map((line) => (line instanceof Node ? line : h("p", { class: "text" }, line))),
      h(
        "div",
        { class: "bar" },
        h("button", { class: "main", autofocus: true, onclick: () => dialog.close("yes") }, yes),
        h("button", { onclick: () => dialog.close() }, "Cancel"),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
