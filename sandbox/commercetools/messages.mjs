// The Messages of the project, which the mock lacks: a test adds them, a client queries them.
// https://docs.commercetools.com/api/projects/messages
//
// Not here: the shape of a message (notifications.mjs), and its push, which is a broker's work.

import { readQueried } from "./variants.mjs";

const DAY_MS = 86_400_000;

/**
 * Keeps a message as the Messages API shows it: without `notificationType` and `projectKey`. Nothing is kept
 * while the project's Messages are off.
 */
export function keepMessage(
  { storage, project },
  { notificationType: _, projectKey: __, ...message },
) {
  if (project.messages().enabled) storage.collection("message").put(message);
}

/** Answers a GET below `/messages`, after it has forgotten what is older than the retention. */
export async function readMessages({ storage, projectKey, project, url, now }) {
  const messages = storage.collection("message");
  const oldest = now() - project.messages().deleteDaysAfterCreation * DAY_MS;
  for (const { id, createdAt } of [...messages.all()]) {
    if (Date.parse(createdAt) < oldest) messages.remove(id);
  }
  return readQueried({ typeId: "message", storage, projectKey, url });
}
