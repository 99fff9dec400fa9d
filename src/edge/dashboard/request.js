// The requests for a record as the Worker would send them now, with Klaviyo's answer about it; for a ticket.

import { post } from "./api.js";
import { open } from "./dialog.js";
import { button, el, say } from "./dom.js";

/** Shows them. `asked` is the question to the preview, `said` the kept part of the answer. */
export async function showRequest(asked, said) {
  const { requests, outcomes } = await post("/preview", asked);
  showText("The request, as it would be sent now", { requests, outcomes, refusal: said });
}

/** Shows a complete document, with a button that copies it. */
export function showText(title, document) {
  const text = JSON.stringify(document, null, 2);
  const content = el("pre", { tabindex: "0", "aria-label": title }, text);
  const copied = el("span", { role: "status" });
  const copy = button("Copy", async () => {
    await navigator.clipboard.writeText(text);
    say(copied, "Copied");
  });
  open(title, el("div", {}, content, copied), { wide: true, actions: () => [copy] });
}
