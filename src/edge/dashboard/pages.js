// A list in a dialog, loaded from the Worker page by page.

import { button, el, say, show } from "./dom.js";

/**
 * Creates it. `read` returns the `rows` and the `next` cursor of the page after a cursor. Returns the element,
 * a function for the next page, and one for other actions whose refusal is shown there, too.
 */
export function pagedList(read) {
  const list = el("ul", { class: "rows" });
  const refused = el("p", { class: "error", role: "alert" });
  const more = button("Show more", load);
  let cursor = "";

  async function load() {
    await tried(async () => {
      const { rows, next } = await read(encodeURIComponent(cursor));
      list.append(...rows);
      if (cursor !== "") rows[0]?.focus();
      if (list.childElementCount === 0) list.append(el("li", {}, "There are none."));
      cursor = next;
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

  return { content: el("div", {}, list, refused, more), load, tried };
}

/** A row about a record: its id and a code, and below them the details. */
export function recordRow({ id, code }, ...said) {
  const head = el(
    "div",
    { class: "row-head" },
    el("code", {}, id),
    el("span", { class: "code" }, code),
  );
  return el("li", { tabindex: "-1" }, head, said);
}
