// The preview: takes a record or a notification, shows the requests to Klaviyo.

import { call } from "./api.js";
import { button, byId, el, say, show } from "./dom.js";
import { counted } from "./format.js";
import { KINDS } from "./imports.js";
import { requestTitle } from "./titles.js";

const refused = el("p", { class: "error", role: "alert" });
const result = el("div", {
  class: "result",
  role: "region",
  "aria-label": "Requests",
  tabindex: "-1",
  hidden: true,
});

/** The ways to name a record: the member of the call, and its label here. */
const NAMES = {
  orders: { orderNumber: "Order number", id: "Id" },
  products: { sku: "SKU", id: "Id" },
  customers: { email: "E-mail", id: "Id" },
  categories: { id: "Id" },
};

/** Creates the section. */
export function prepare() {
  const record = recordFields();
  const text = el("textarea", { id: "preview-text", rows: "7", spellcheck: "false" });
  const notification = labelled("Notification, as the broker sends it (JSON)", text);
  const choose = (isRecord) => {
    show(record.root, isRecord);
    show(notification, !isRecord);
  };
  const radio = (label, isRecord) => {
    const input = el("input", { type: "radio", name: "preview", checked: isRecord });
    input.addEventListener("change", () => choose(isRecord));
    return el("label", {}, input, ` ${label}`);
  };
  const go = button("Preview", () => preview(record.root.hidden ? text.value : record.body()));
  const what = el(
    "fieldset",
    { class: "inline" },
    el("legend", {}, "Preview of"),
    radio("A record", true),
    radio("A notification", false),
  );
  const actions = el("div", { class: "actions" }, go);
  const form = el("form", {}, what, record.root, notification, refused, actions);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go.click();
  });
  choose(true);
  byId("preview-body").replaceChildren(form, result);
}

/** The fields that name a record: its kind, the way, and the value. `body` returns the call's body. */
function recordFields() {
  const options = (names) => names.map(([value, label]) => el("option", { value }, label));
  const kinds = KINDS.map((name) => [name, name]);
  const kind = el("select", { id: "preview-kind" }, options(kinds));
  const by = el("select", { id: "preview-by" });
  const value = el("input", { id: "preview-value", spellcheck: "false", autocomplete: "off" });
  const field = labelled("", value);
  const name = () => say(field.firstElementChild, NAMES[kind.value][by.value]);
  const offer = () => {
    by.replaceChildren(...options(Object.entries(NAMES[kind.value])));
    name();
  };
  kind.addEventListener("change", offer);
  by.addEventListener("change", name);
  offer();
  return {
    root: el("div", { class: "trio" }, labelled("Kind", kind), labelled("Known by", by), field),
    body: () => JSON.stringify({ kind: kind.value, [by.value]: value.value.trim() }),
  };
}

/** Removes the result. */
export function forget() {
  result.replaceChildren();
  show(result, false);
}

async function preview(body) {
  say(refused, "");
  forget();
  try {
    JSON.parse(body);
  } catch {
    say(refused, "That is not JSON.");
    return;
  }
  try {
    present(await call("POST", "/preview", body));
  } catch (error) {
    say(refused, error.message);
  }
}

function present({ requests, outcomes = [] }) {
  const ends = outcomes.map((end) => el("li", {}, outcome(end)));
  const count = el("span", { class: "soft" }, ` · ${counted(requests.length, "request")}`);
  const head = requests.length > 0 ? ["Would be sent", count] : "Nothing would be sent";
  result.replaceChildren(
    el("h3", {}, head),
    el("ul", { class: "notes" }, ends),
    ...requests.map(request),
  );
  show(result, true);
  result.focus();
}

/** What would become of a record or a notification. */
function outcome({ outcome, code, detail, pointer, follow }) {
  return [
    el("strong", {}, outcome.replace("_", " ")),
    code && [" · ", el("span", { class: "code" }, code)],
    detail && `: ${detail}`,
    pointer && [" at ", el("code", {}, pointer)],
    follow > 0 ? ` · ${counted(follow, "other")} would follow` : null,
  ];
}

function request({ method, path, body }, n) {
  const text = el(
    "pre",
    { tabindex: "0", "aria-label": `Body of request ${n + 1}` },
    JSON.stringify(body, null, 2),
  );
  const line = el(
    "summary",
    {},
    el("strong", {}, requestTitle({ path, body })),
    " ",
    el("span", { class: "code" }, method),
    " ",
    el("code", {}, path),
  );
  return el("details", { open: n === 0 }, line, text);
}

function labelled(label, input) {
  return el("div", { class: "field" }, el("label", { for: input.id }, label), input);
}
