// The data of the fake for tests: copies in a plain form.
//
// For: reading. Each look first carries out due jobs (`settle`).
// Not for: comparing runs (snapshot.mjs), and changing anything.

import { catalogAttributes } from "./catalog.mjs";
import { profileAttributes } from "./profiles.mjs";

/** `current()` answers the state of the moment; a reset replaces it. */
export function createStore(current) {
  const profile = (held) =>
    held && structuredClone({ id: held.id, attributes: profileAttributes(held) });
  const catalogue = (kind, more) =>
    current()
      .catalog.list(kind)
      .map((record) =>
        structuredClone({ id: record.id, attributes: catalogAttributes(record), ...more(record) }),
      );

  return {
    profiles: () => current().profiles.list().map(profile),
    profileByEmail: (email) => profile(current().profiles.find("email", email)),
    profileByExternalId: (id) => profile(current().profiles.find("external_id", id)),
    /** `id, profileId, metric, uniqueId, time (ms), value, valueCurrency, backfill, properties` */
    events: (wanted = {}) =>
      current()
        .events.list()
        .filter((event) => Object.entries(wanted).every(([name, value]) => event[name] === value))
        .map(({ seq, acceptedAt, ...event }) => structuredClone(event)),
    metrics: () =>
      current()
        .events.metrics()
        .map(({ id, name }) => ({ id, name })),
    items: () =>
      catalogue("item", ({ categories }) => ({ categories: [...categories].map(({ id }) => id) })),
    variants: () => catalogue("variant", ({ item }) => ({ item: item.id })),
    categories: () => catalogue("category", () => ({})),
    /** `id, type, status, total, completed, failed, errors` and the times of its stages */
    jobs: () =>
      current()
        .jobs.list()
        .map(({ run, ...job }) => structuredClone(job)),
    /** `identifier, profileIds, at`, as they were asked for */
    deletions: () => structuredClone(current().consent.deletions),
    subscriptions: () => structuredClone(current().consent.subscriptions),
    backInStock: () => structuredClone(current().consent.backInStock),
  };
}
