// Switches on the Messages of the project, which the worker's feed reads.
// https://docs.commercetools.com/api/projects/project#change-messagesconfiguration
//
// Not here: the scopes of the worker's own client, which reads them.

import { persistently } from "./install.mjs";

/** For how many days messages are kept if nobody has said so: commercetools' own default. */
const DAYS = 15;

/**
 * Gives `{ done, days }`: `done` is "enabled", or "kept" if they were on, `days` for how long each is kept. What
 * was set of that stays. With `dryRun` nothing is changed, and `done` is what would be.
 */
export async function switchOnMessages(project, { dryRun, wait }) {
  let tried = false;
  return persistently(wait, async () => {
    const { version, messages } = await project.read();
    const days = messages?.deleteDaysAfterCreation ?? DAYS;
    if (messages?.enabled) return { done: tried ? "enabled" : "kept", days };
    tried = true;
    const messagesConfiguration = { enabled: true, deleteDaysAfterCreation: days };
    const action = { action: "changeMessagesConfiguration", messagesConfiguration };
    if (!dryRun) await project.update(version, [action]);
    return { done: "enabled", days };
  });
}
