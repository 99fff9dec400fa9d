// Everything that the fake holds as one plain object, for comparing two runs.
//
// For: `assert.deepEqual(a.snapshot(), b.snapshot())` after runs that took different ways (crashes,
// other orders of requests). So it has no Klaviyo ids, no times of writing and no order.
// Not for: inspecting single records in a test; the store does that.
//
//   profiles       by external id, else e-mail, else phone number, else anonymous id
//   events         by "<metric> <unique_id>", with " <profile>" after it where profiles share both
//   items, variants, categories   by external id
//   subscriptions, backInStock, deletions   sorted lists

export function takeSnapshot({ profiles, events, catalog, consent }) {
  const people = new Map(profiles.list().map((profile) => [profile.id, profileKey(profile)]));
  return {
    profiles: keyed(profiles.list(), profileKey, profileValue),
    events: eventsByKey(events.list(), people),
    items: keyed(catalog.list("item"), byExternalId, itemValue),
    variants: keyed(catalog.list("variant"), byExternalId, variantValue),
    categories: keyed(catalog.list("category"), byExternalId, ({ attributes }) => ({
      ...attributes,
    })),
    subscriptions: sorted(consent.subscriptions),
    backInStock: sorted(consent.backInStock),
    deletions: sorted(consent.deletions.map(({ identifier }) => identifier)),
  };
}

function profileKey(profile) {
  return (
    profile.external_id ??
    profile.email ??
    profile.phone_number ??
    profile.anonymous_id ??
    profile.id
  );
}

function profileValue({ id, seq, createdAt, updatedAt, lastEventAt, ...values }) {
  return values;
}

function byExternalId({ externalId }) {
  return externalId;
}

function itemValue({ attributes, categories }) {
  return { ...attributes, categories: [...categories].map(byExternalId).sort() };
}

function variantValue({ attributes, item }) {
  return { ...attributes, item: item.externalId };
}

function eventsByKey(events, people) {
  const plain = ({ metric, uniqueId }) => `${metric} ${uniqueId}`;
  const counts = new Map();
  for (const event of events) counts.set(plain(event), (counts.get(plain(event)) ?? 0) + 1);
  const key = (event) =>
    counts.get(plain(event)) === 1
      ? plain(event)
      : `${plain(event)} ${people.get(event.profileId)}`;
  return keyed(events, key, ({ id, seq, profileId, time, acceptedAt, ...event }) => ({
    ...event,
    profile: people.get(profileId),
    time: new Date(time).toISOString(),
  }));
}

function keyed(rows, key, value) {
  const entries = rows.map((row) => [key(row), structuredClone(value(row))]);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sorted(rows) {
  return structuredClone(rows)
    .map((row) => [JSON.stringify(row), row])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, row]) => row);
}
