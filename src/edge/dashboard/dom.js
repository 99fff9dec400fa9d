// Elements and their content. Data becomes text and never markup: nothing here takes HTML, and the
// page's policy forbids it.

/**
 * An element. `attributes` are set unchanged, `on…` functions listen, `true` means an empty value;
 * null and false are left out. Children are elements or text, also in lists.
 */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** The element of the page with this id. */
export const byId = (id) => document.getElementById(id);

/** Sets the text of an element, unless it has it already: a screen reader would repeat it. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Shows an element or hides it. */
export function show(node, shown) {
  if (node.hidden === Boolean(shown)) node.hidden = !shown;
}

/** A button. While its action is under way it does nothing else. */
export function button(label, act, attributes = {}) {
  const node = el("button", { type: "button", ...attributes }, label);
  node.addEventListener("click", async () => {
    if (node.ariaBusy === "true") return;
    node.ariaBusy = "true";
    try {
      await act();
    } finally {
      node.ariaBusy = null;
    }
  });
  return node;
}

/** Terms with their texts. Returns the list, and a function that sets a text by its term. */
export function terms(names, attributes) {
  const values = {};
  const rows = Object.entries(names).map(([name, label]) => {
    values[name] = el("dd");
    return el("div", { "data-term": name }, el("dt", {}, label), values[name]);
  });
  return [el("dl", attributes, rows), values];
}

const isThere = (child) => child !== null && child !== undefined && child !== "";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter(isThere));
  return node;
}
