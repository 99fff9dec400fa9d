// The dialog with the failed records of a kind, and the reasons.

import { call, get, post, table } from "./api.js";
import { open } from "./dialog.js";
import { button, el } from "./dom.js";
import { time } from "./format.js";
import { keptList } from "./kept.js";
import { record } from "./merchant.js";
import { showRequest } from "./request.js";

/** Shows them. `changed` is called after an action. */
export async function failures(kind, changed) {
  const path = `/sync/${kind}/failures`;
  let shut = () => {};
  const list = keptList({
    one: "failure",
    many: `failures of ${kind}`,
    changed,
    read: async (cursor, code) => {
      const { failures, ...rest } = await get(
        `${path}?cursor=${encodeURIComponent(cursor)}${code && `&code=${encodeURIComponent(code)}`}`,
      );
      return { rows: failures.map(row), ...rest };
    },
    retry: async (code) => {
      await post(`${path}/retry`, code ? { code } : undefined);
      shut();
    },
    forget: (code) =>
      call("DELETE", `${path}?${code ? `code=${encodeURIComponent(code)}` : "all=true"}`),
  });

  function row({ id, name, code, detail, pointer, at }) {
    const retry = async () => {
      await post(`${path}/retry`, { ids: [id] });
      shut();
    };
    const forget = () => call("DELETE", `${path}/${encodeURIComponent(id)}`);
    const request = () => showRequest({ kind, id }, { code, detail, pointer });
    const act = (label, what) => button(label, what, { "aria-label": `${label} ${id}` });
    return el(
      "li",
      { tabindex: "-1" },
      el(
        "div",
        { class: "row-head" },
        record(`${kind}/${id}`, name, id),
        el("span", { class: "code" }, code),
      ),
      el("p", { class: "detail" }, detail),
      el("p", { class: "soft" }, pointer && ["at ", el("code", {}, pointer), " · "], time(at)),
      el(
        "div",
        { class: "actions" },
        act("Retry", () => list.done(retry)),
        act("Request", () => list.attempt(request)),
        act("Forget", () => list.done(forget)),
      ),
    );
  }

  const csv = button("Download as CSV", () => list.attempt(() => download(kind)));
  shut = open(`Failures of ${kind}`, list.content, { wide: true, actions: () => [csv] });
  await list.load();
}

/** Saves all of them as a file, page by page. */
async function download(kind) {
  const parts = [];
  let path = `/sync/${kind}/failures`;
  while (path) {
    const { text, next } = await table(path);
    parts.push(parts.length === 0 ? text : text.slice(text.indexOf("\r\n") + 2));
    path = next && `/sync/${kind}/failures${next}`;
  }
  const address = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
  const link = el("a", { href: address, download: `failures-${kind}.csv` });
  link.click();
  URL.revokeObjectURL(address);
}
