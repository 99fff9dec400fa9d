// Dialogs: one that shows something, and one that asks for confirmation. The browser keeps the
// focus in them, closes them with Escape, and returns the focus.

import { button, el } from "./dom.js";

let opened = 0;

/**
 * Shows `content` under a title until it is closed. `actions` gets a function that closes it, and returns
 * buttons; `closed` is called at the end. `asks` is for a question: the safe answer has the focus.
 */
export function open(
  title,
  content,
  { wide, asks, dismiss = "Close", actions = () => [], closed = () => {} } = {},
) {
  opened += 1;
  const id = `dialog-${opened}`;
  const close = () => dialog.close();
  const back = button(dismiss, close, { class: "quiet", autofocus: asks });
  const body = el("div", { id: `${id}-body`, class: "body" }, content);
  const dialog = el(
    "dialog",
    {
      class: wide ? "wide" : null,
      role: asks ? "alertdialog" : null,
      "aria-labelledby": id,
      "aria-describedby": asks ? body.id : null,
    },
    // In a long dialog, the reading begins at the title.
    el("h2", { id, tabindex: wide ? "-1" : null }, title),
    body,
    el("div", { class: "actions" }, back, actions(close)),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed();
  });
  document.body.append(dialog);
  dialog.showModal();
  return close;
}

/** Asks for confirmation of `action`; returns the answer. `tone` is the class of its button. */
export function confirm(title, text, action, tone = "danger") {
  return new Promise((resolve) => {
    let agreed = false;
    const yes = (close) => () => {
      agreed = true;
      close();
    };
    open(title, el("p", {}, text), {
      asks: true,
      dismiss: "Cancel",
      actions: (close) => [button(action, yes(close), { class: tone })],
      closed: () => resolve(agreed),
    });
  });
}
