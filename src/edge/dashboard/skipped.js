// The dialog with the records of a kind that the newest run skipped, page by page, and the reasons.

import { get } from "./api.js";
import { open } from "./dialog.js";
import { el } from "./dom.js";
import { time } from "./format.js";
import { pagedList, recordRow } from "./pages.js";

/** Why nothing had to be sent, by code; docs/bulk-import.md has the same. */
const REASONS = {
  no_identity: "The order names neither a customer nor an e-mail address.",
  customer_gone: "The customer of the order was deleted, and may have been erased.",
  not_published: "The product is not published, and Klaviyo does not have it.",
  variants_not_there: "None of the product's variants can be read while they are being moved.",
  gone: "commercetools does not have it any more.",
  nothing_to_send: "Klaviyo has it as it is to be.",
};

/** Shows them. */
export async function skipped(kind) {
  const list = pagedList(async (cursor) => {
    const { skipped, next } = await get(`/sync/${kind}/skipped?cursor=${cursor}`);
    return { rows: skipped.map(row), next };
  });
  const most = "Of the newest run, the last first; the Worker keeps the last 10,000.";
  const content = el("div", {}, el("p", { class: "soft" }, most), list.content);
  open(`Skipped ${kind}`, content, { wide: true });
  await list.load();
}

function row({ at, ...record }) {
  const reason = REASONS[record.code] ?? "There was nothing to send.";
  return recordRow(
    record,
    el("p", { class: "detail" }, reason),
    el("p", { class: "soft" }, time(at)),
  );
}
