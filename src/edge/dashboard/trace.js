// The trace: takes an order, a product or a person, shows where each part of it is.

import { get, post } from "./api.js";
import { button, byId, el, say, show } from "./dom.js";

const refused = el("p", { class: "error", role: "alert" });
const result = el("div", {
  class: "result",
  role: "region",
  "aria-label": "Trace",
  tabindex: "-1",
  hidden: true,
});

/** The ways to name a record: the parameter of the call, and its label here. */
const NAMES = {
  orderNumber: "Order number",
  order: "Order id",
  sku: "SKU",
  product: "Product id",
  customer: "Customer id",
  email: "E-mail address",
};

/** The label and mark of each verdict, and whether somebody should look. */
const VERDICTS = {
  there: ["there", "✓", true],
  waits: ["waits", "…", true],
  ignored: ["ignored", "–", true],
  refused: ["refused", "✗", false],
  missing: ["missing", "✗", false],
  different: ["different", "≠", false],
  unknown: ["not known", "?", false],
};

/** Creates the section. */
export function prepare() {
  const options = Object.entries(NAMES).map(([value, label]) => el("option", { value }, label));
  const by = el("select", { id: "trace-by", "aria-label": "Looked for by" }, options);
  const value = el("input", {
    id: "trace-value",
    "aria-labelledby": "trace-title",
    type: "search",
    required: true,
    spellcheck: "false",
    autocomplete: "off",
  });
  const go = button("Find", () => find(by, value.value.trim()), { class: "primary" });
  const form = el("form", { class: "search", role: "search" }, by, value, go);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go.click();
  });
  byId("trace-body").replaceChildren(form, refused, result);
}

/** Removes the result. */
export function forget() {
  byId("trace-value").value = "";
  clear();
}

function clear() {
  say(refused, "");
  result.replaceChildren();
  show(result, false);
}

async function find(by, value) {
  clear();
  if (value === "") return;
  // An e-mail address must not appear in a URL, where logs see it.
  if (value.includes("@")) by.value = "email";
  try {
    present(await ask(by.value, value));
  } catch (error) {
    say(refused, error.message);
  }
}

const ask = (by, value) =>
  by === "email"
    ? post("/trace", { email: value })
    : get(`/trace?${by}=${encodeURIComponent(value)}`);

function present({ found, lines }) {
  const head = found ? "What there is of it" : "commercetools has no such record";
  result.replaceChildren(el("h3", {}, head), el("ul", { class: "checks" }, lines.map(line)));
  show(result, true);
  result.focus();
}

function line({ what, expected, actual, verdict, detail }) {
  const [label, sign, fine] = VERDICTS[verdict];
  const mark = el("span", { class: "mark", role: "img", "aria-label": label }, sign);
  const words = el(
    "div",
    {},
    el("strong", {}, what),
    el("span", { class: "soft" }, ` · ${label}`),
    detail && el("p", { class: "soft" }, detail),
    values(what, expected, actual),
  );
  return el("li", { "data-ok": fine ? "true" : "false", "data-verdict": verdict }, mark, words);
}

/** The expected and the held values, as far as they are known. */
function values(what, expected, actual) {
  const blocks = [
    ["Expected", expected],
    ["Held", actual],
  ].filter(([, value]) => value !== null);
  if (blocks.length === 0) return null;
  const shown = blocks.map(([name, value]) => [
    el("p", { class: "soft" }, name),
    el("pre", { tabindex: "0", "aria-label": `${name}: ${what}` }, JSON.stringify(value, null, 2)),
  ]);
  const summary = blocks.length === 2 ? "Expected and held" : blocks[0][0];
  return el("details", {}, el("summary", {}, summary), shown);
}
