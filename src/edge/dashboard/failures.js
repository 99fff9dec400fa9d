// The dialog with the records of a kind that failed, page by page, and why.

import { get, post } from "./api.js";
import { open } from "./dialog.js";
import { button, el } from "./dom.js";
import { time } from "./format.js";
import { pagedList, recordRow } from "./pages.js";

/** Shows them. `changed` is called when they are retried. */
export async function failures(kind, changed) {
  const list = pagedList(async (cursor) => {
    const { failures, next } = await get(`/sync/${kind}/failures?cursor=${cursor}`);
    return { rows: failures.map(row), next };
  });
  const retry = (close) =>
    button(
      "Retry all",
      async () => {
        if (!(await list.tried(() => post(`/sync/${kind}/failures/retry`)))) return;
        close();
        await changed();
      },
      { class: "primary" },
    );
  const actions = (close) => [retry(close)];
  open(`Failures of ${kind}`, list.content, { wide: true, actions });
  await list.load();
}

function row({ detail, pointer, at, ...record }) {
  return recordRow(
    record,
    el("p", { class: "detail" }, detail),
    el("p", { class: "soft" }, pointer && ["at ", el("code", {}, pointer), " · "], time(at)),
  );
}
