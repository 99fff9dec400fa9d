// The check of the configuration: each thing that was looked at, and what was found.

import { get } from "./api.js";
import { button, byId, el, say } from "./dom.js";
import { time, title } from "./format.js";

const list = el("ul", { class: "checks" });
const said = el("p", { class: "soft" });
const refused = el("p", { class: "error", role: "alert" });
let failed = 0;

/** How many checks failed when they were last made. */
export const failedChecks = () => failed;

/** Makes the room; `done` is called after each check. */
export function prepare(done) {
  const again = button("Check now", async () => {
    await check();
    done();
  });
  byId("check-body").replaceChildren(list, said, refused, el("div", { class: "actions" }, again));
}

/** Asks the Worker to check, which asks both systems. */
export async function check() {
  say(refused, "");
  say(said, "Checking…");
  try {
    const { checks } = await get("/check");
    failed = checks.filter(({ ok }) => !ok).length;
    list.replaceChildren(...checks.map(row));
    said.replaceChildren("Checked at ", time(new Date().toISOString()));
  } catch (error) {
    say(said, "");
    say(refused, error.message);
  }
}

const MARKS = {
  ok: ["in order", "✓"],
  warning: ["something to do", "!"],
  failed: ["not in order", "✗"],
};

function row({ name, ok, level, detail }) {
  const [label, sign] = MARKS[level];
  const mark = el("span", { class: "mark", role: "img", "aria-label": label }, sign);
  const words = el(
    "div",
    {},
    el("strong", {}, title(name.replaceAll("_", " "))),
    detail && el("p", { class: "soft" }, detail),
  );
  return el("li", { "data-ok": ok ? "true" : "false" }, mark, words);
}
