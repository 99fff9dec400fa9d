// A list of everything kept after failures, for a bad night: by code with advice, page by page. The operator can retry
// or delete one entry, all of a code, or all.

import { advice } from "./advice.js";
import { confirm } from "./dialog.js";
import { button, el, say, show } from "./dom.js";
import { counted, number } from "./format.js";

/**
 * Creates it. `read(cursor, code)` returns `rows`, `next` and on the first page `codes`; `retry(code)` and
 * `forget(code)` apply to all entries of a code, or to all for an empty one; `one` and `many` name them.
 */
export function keptList({ read, retry, forget, one, many, changed }) {
  const list = el("ul", { class: "rows" });
  const refused = el("p", { class: "error", role: "alert" });
  const told = el("p", { class: "soft", role: "status" });
  const choice = el("select", { "aria-label": `Which ${many}` });
  const what = el("p", { class: "detail" });
  const more = button("Show more", () => tried(() => page(cursor)));
  const again = button("Retry all", retryShown);
  const away = button("Forget all", forgetShown, { class: "bad" });
  let cursor = null;
  let codes = [];

  choice.addEventListener("change", () => tried(() => page("")));

  async function page(from) {
    const asked = choice.value;
    const { rows, next, codes: known } = await read(from ?? "", asked);
    const isFirst = from === "" || from === null;
    if (isFirst) choices(known ?? []);
    // The last of a code is gone: show the others.
    if (choice.value !== asked) return page("");
    if (isFirst) list.replaceChildren(...rows);
    else {
      list.append(...rows);
      rows[0]?.focus();
    }
    if (list.childElementCount === 0) list.append(el("li", {}, "There are none."));
    cursor = next;
    show(more, next !== null);
  }

  function choices(known) {
    codes = known;
    const chosen = choice.value;
    const all = codes.reduce((sum, { count }) => sum + count, 0);
    const options = codes.map(({ code, count }) =>
      el("option", { value: code }, `${code} (${number(count)})`),
    );
    choice.replaceChildren(el("option", { value: "" }, `All (${number(all)})`), ...options);
    choice.value = codes.some(({ code }) => code === chosen) ? chosen : "";
    const code = choice.value || (codes.length === 1 ? codes[0].code : "");
    say(what, code ? advice(code) : "");
    show(what, code !== "");
    show(choice, codes.length > 1);
    const label = choice.value ? "these" : "all";
    say(again, `Retry ${label}`);
    say(away, `Forget ${label}`);
    for (const node of [again, away]) show(node, all > 0);
  }

  const shown = () => {
    const of = choice.value ? codes.filter(({ code }) => code === choice.value) : codes;
    return counted(
      of.reduce((sum, { count }) => sum + count, 0),
      one,
      many,
    );
  };

  async function retryShown() {
    const label = again.textContent;
    const text = `${shown()} will be tried again now. What fails again comes back here.`;
    if (!(await confirm(`${label} ${many}?`, text, label))) return;
    await done(() => retry(choice.value));
  }

  async function forgetShown() {
    const label = away.textContent;
    const text = `${shown()} will be forgotten. It cannot be undone.`;
    if (!(await confirm(`${label} ${many}?`, text, label))) return;
    await done(() => forget(choice.value));
  }

  /** Runs an action on an entry, and lists the rest. */
  async function done(act) {
    await tried(async () => {
      await act();
      await changed();
      await page("");
    });
  }

  async function tried(act) {
    say(refused, "");
    try {
      await act();
    } catch (error) {
      say(refused, error.message);
    }
  }

  const head = el("div", { class: "row-head kept-head" }, choice, again, away);
  return {
    content: el("div", {}, head, what, told, refused, list, more),
    load: () => tried(() => page("")),
    done,
    attempt: tried,
    say: (text) => say(told, text),
    clear: () => list.replaceChildren(),
  };
}
