// The dialog with the records of a kind that failed, page by page, and why.

import { get, post } from "./api.js";
import { open } from "./dialog.js";
import { button, el, say, show } from "./dom.js";
import { time } from "./format.js";

/** Shows them. `changed` is called when they are retried. */
export async function failures(kind, changed) {
  const list = el("ul", { class: "rows" });
  const refused = el("p", { class: "error", role: "alert" });
  const more = button("Show more", load);
  let cursor = "";

  const retry = (close) =>
    button(
      "Retry all",
      async () => {
        if (!(await tried(() => post(`/sync/${kind}/failures/retry`)))) return;
        close();
        await changed();
      },
      { class: "primary" },
    );
  const content = el("div", {}, list, refused, more);
  open(`Failures of ${kind}`, content, { wide: true, actions: (close) => [retry(close)] });
  await load();

  async function load() {
    await tried(async () => {
      const page = await get(`/sync/${kind}/failures?cursor=${encodeURIComponent(cursor)}`);
      const rows = page.failures.map(row);
      list.append(...rows);
      if (cursor !== "") rows[0]?.focus();
      if (list.childElementCount === 0) list.append(el("li", {}, "There are none."));
      cursor = page.next;
      show(more, cursor !== null);
    });
  }

  async function tried(act) {
    say(refused, "");
    try {
      await act();
      return true;
    } catch (error) {
      say(refused, error.message);
      return false;
    }
  }
}

function row({ id, code, detail, pointer, at }) {
  return el(
    "li",
    { tabindex: "-1" },
    el("div", { class: "row-head" }, el("code", {}, id), el("span", { class: "code" }, code)),
    el("p", { class: "detail" }, detail),
    el("p", { class: "soft" }, pointer && ["at ", el("code", {}, pointer), " · "], time(at)),
  );
}
