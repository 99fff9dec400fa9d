// The steps that bring a subscription to its wanted state. Pure.
//
// commercetools hides secrets in its answers, so a changed secret is not visible; and it has no
// action that changes a format.

const SECRETS = ["accessKey", "accessSecret", "apiKey", "apiSecret"];

/**
 * Compares the wanted Subscription with the present one (null if there is none). Gives one of
 *
 * - `{ kind: "create" }`
 * - `{ kind: "update", actions, parts }`, `parts` being the names of what differs
 * - `{ kind: "replace", from, to }`: the formats; only a new subscription has another
 * - `{ kind: "keep" }`
 *
 * With `reconnect` the destination is sent again even if nothing of it differs.
 */
export function compare(draft, present, { reconnect = false } = {}) {
  if (!present) return { kind: "create" };
  if (present.format.type !== draft.format.type) {
    return { kind: "replace", from: present.format.type, to: draft.format.type };
  }
  const { destination, messages, changes, events } = draft;
  const updates = [
    [
      "destination",
      reconnect || !same(visible(destination), visible(present.destination)),
      { action: "changeDestination", destination },
    ],
    [
      "messages",
      !same(typesById(messages), typesById(present.messages)),
      { action: "setMessages", messages },
    ],
    [
      "changes",
      !same(typesById(changes), typesById(present.changes)),
      { action: "setChanges", changes },
    ],
    [
      "events",
      !same(typesById(events), typesById(present.events)),
      { action: "setEvents", events },
    ],
  ].filter(([, differs]) => differs);
  if (updates.length === 0) return { kind: "keep" };
  return {
    kind: "update",
    actions: updates.map(([, , action]) => action),
    parts: updates.map(([part]) => part),
  };
}

/** What of a destination can be compared. The `source` of an EventBridge is commercetools' own. */
function visible({ source: _own, connectionString, ...members }) {
  const open = Object.entries(members).filter(([name]) => !SECRETS.includes(name));
  const address = connectionString?.replace(/(SharedAccessKey=)[^;]*/, "$1");
  return Object.fromEntries([...open, ...(address ? [["connectionString", address]] : [])]);
}

/** Neither the order of resource types nor that of message types means anything. */
function typesById(list = []) {
  return Object.fromEntries(
    list.map(({ resourceTypeId, types = [] }) => [resourceTypeId, [...types].sort()]),
  );
}

/** Whether two values are the same JSON, whatever the order of members. */
function same(left, right) {
  return JSON.stringify(ordered(left)) === JSON.stringify(ordered(right));
}

const ordered = (object) => Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));
