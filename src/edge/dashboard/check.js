// The check of the configuration: each check and its result. Checks without problems fold into one line. The page
// repeats the check by itself, more often while a check finds a problem.

import { get, post } from "./api.js";
import { button, byId, el, say, show } from "./dom.js";
import { counted, time, title } from "./format.js";

/** The maximum age of a result, and the one while a check fails, in ms. */
const FRESH = 10 * 60_000;
const FRESH_FAILED = 60_000;

const list = el("ul", { class: "checks" });
const fine = el("ul", { class: "checks" });
const fineTitle = el("summary", {});
const folded = el("details", {}, fineTitle, fine);
const said = el("p", { class: "soft" });
const refused = el("p", { class: "error", role: "alert" });
let next = 0;

/** Creates the section; `done` is called after each check. */
export function prepare(done) {
  const again = button("Check now", async () => {
    await check();
    await done();
  });
  const alert = button("Send a test alert", testAlert);
  const actions = el("div", { class: "actions" }, again, alert);
  byId("check-body").replaceChildren(list, folded, said, refused, actions);
  show(folded, false);
}

/** Runs the checks if it is time; returns whether it did. */
export async function update() {
  if (Date.now() < next) return false;
  await check();
  return true;
}

/** Asks the Worker to check, which asks both systems. */
async function check() {
  say(refused, "");
  say(said, "Checking…");
  next = Date.now() + FRESH_FAILED;
  try {
    const { ok, checks } = await get("/check");
    const isFine = ({ level }) => level === "ok";
    const inOrder = checks.filter(isFine);
    list.replaceChildren(...checks.filter((one) => !isFine(one)).map(row));
    fine.replaceChildren(...inOrder.map(row));
    say(fineTitle, `${counted(inOrder.length, "check is", "checks are")} in order`);
    show(folded, inOrder.length > 0);
    said.replaceChildren("Checked at ", time(new Date().toISOString()));
    next = Date.now() + (ok ? FRESH : FRESH_FAILED);
  } catch (error) {
    say(said, "");
    say(refused, error.message);
  }
}

async function testAlert() {
  say(refused, "");
  try {
    await post("/alerts/test");
    say(said, "A test alert is on its way to ALERT_URL.");
  } catch (error) {
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
