// The request bodies of the profile operations, as tables for validate.mjs.
//
// For: Klaviyo's strictness if no JSON Schema file exists; the tables say the same as
// klaviyo-requests.schema.json (if that file exists, a test compares the two).
// Not for: rules about values and sizes; those are in rules.mjs.
// Source: official OpenAPI spec, revision 2026-07-15, as recorded in klaviyo.md §2.2.

import { data, either, list, nullable, resource } from "./validate.mjs";

const location = nullable({
  address1: "string?",
  address2: "string?",
  city: "string?",
  country: "string?",
  latitude: nullable(either("string", "number")),
  longitude: nullable(either("string", "number")),
  region: "string?",
  zip: "string?",
  timezone: "string?",
  ip: "string?",
});

export const profileMeta = nullable({
  patch_properties: nullable({
    append: "object?",
    unappend: "object?",
    unset: (value, path, report) => {
      const fits = Array.isArray(value)
        ? value.every((key) => typeof key === "string")
        : value === null || typeof value === "string";
      if (!fits) report(path, "'unset' must be a string or a list of strings.");
    },
  }),
  patch_identifiers: nullable({ append: "object", unappend: "object" }),
});

const person = {
  first_name: "string?",
  last_name: "string?",
  organization: "string?",
  locale: "string?",
  title: "string?",
  image: "string?",
  location,
  properties: "object?",
};
export const identifiers = { email: "string?", phone_number: "string?", external_id: "string?" };
/** What an event may say of its profile: more than a profile request may. */
export const trackedPerson = { ...identifiers, anonymous_id: "string?", _kx: "string?", ...person };

// `anonymous_id` was removed from create, update and upsert in 2025-10-15.
const profileUpsert = resource("profile", {
  id: "string?",
  "attributes!": { ...identifiers, _kx: "string?", ...person },
  meta: profileMeta,
});

const profileReference = resource("profile", { "id!": "string" });
export const listReference = resource("list", { "id!": "string" });

export const profileShapes = {
  create: data(resource("profile", { "attributes!": { ...identifiers, ...person } })),
  update: data(
    resource("profile", {
      "id!": "string",
      "attributes!": { ...identifiers, ...person },
      meta: profileMeta,
    }),
  ),
  upsert: data(profileUpsert),
  bulkImport: data(
    resource("profile-bulk-import-job", {
      "attributes!": { "profiles!": data(list(profileUpsert, { max: 10_000 })) },
      relationships: { lists: { data: list(listReference) } },
    }),
  ),
  merge: data(
    resource("profile-merge", {
      "id!": "string",
      "relationships!": { "profiles!": data(list(profileReference)) },
    }),
  ),
  deletion: data(
    resource("data-privacy-deletion-job", {
      "attributes!": {
        "profile!": data(
          resource("profile", {
            id: "string?",
            "attributes!": { email: "string?", phone_number: "string?" },
          }),
        ),
      },
    }),
  ),
};
