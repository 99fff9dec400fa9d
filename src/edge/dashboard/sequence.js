// The import of all kinds, one after the other: its button, and its progress.

import { post } from "./api.js";
import { confirm } from "./dialog.js";
import { button, byId, el, say, show } from "./dom.js";
import { when } from "./format.js";

const QUESTION =
  "All categories, products, customers and orders are read and written to Klaviyo, one kind after the " +
  "other, each from its beginning. Nothing arrives twice, and no flow starts. A kind that fails or is " +
  "stopped ends it.";

const list = (kinds) => new Intl.ListFormat("en").format(kinds);

/** Creates the row; `changed` is called after a sequence has started. Returns a function that shows its state. */
export function prepare(changed) {
  const how = el("p", { role: "status" });
  const refused = el("p", { class: "error", role: "alert" });
  const go = button("Import everything…", start);
  byId("sequence").replaceChildren(how, go, refused);

  async function start() {
    say(refused, "");
    if (!(await confirm("Import everything?", QUESTION, "Import everything", "primary"))) return;
    try {
      await post("/sync", {});
    } catch (error) {
      say(refused, error.message);
      return;
    }
    await changed();
  }

  /** `isBusy`: whether a run of any kind is under way. */
  return (sequence, isBusy) => {
    say(how, sequence ? progress(sequence) : "");
    show(go, !isBusy);
  };
}

/** How far a sequence is, or how it ended. */
function progress({ kinds, done, current, state, finishedAt }) {
  const of = `${done.length + 1} of ${kinds.length}: ${current}`;
  switch (state) {
    case "running":
      return `Importing ${of}. Stopping it stops the rest.`;
    case "completed":
      return `Imported ${list(kinds)}, ${when(finishedAt)}.`;
    default: {
      const rest = kinds.slice(done.length + 1);
      const left = rest.length > 0 ? ` Not imported: ${list(rest)}.` : "";
      return `Ended at ${of}, which ${state === "failed" ? "failed" : "was stopped"}, ${when(finishedAt)}.${left}`;
    }
  }
}
