// The request bodies of the event operations, as tables for validate.mjs.
//
// For: Klaviyo's strictness if no JSON Schema file exists; the tables say the same as
// klaviyo-requests.schema.json (if that file exists, a test compares the two).
// Not for: rules about values and sizes; those are in rules.mjs.
// Source: official OpenAPI spec, revision 2026-07-15, as recorded in klaviyo.md §2.1.

import { profileMeta, trackedPerson } from "./profile-shapes.mjs";
import { data, list, resource } from "./validate.mjs";

const eventAttributes = {
  "properties!": "object",
  time: "time?",
  value: "number?",
  value_currency: "string?",
  unique_id: "string?",
  backfill: "boolean?",
  "metric!": data(resource("metric", { "attributes!": { "name!": "string", service: "string?" } })),
};

export const eventShapes = {
  // `meta` sits beside the profile's attributes since revision 2026-10-15, as in the bulk request.
  create: data(
    resource("event", {
      "attributes!": {
        ...eventAttributes,
        "profile!": data(
          resource("profile", {
            id: "string?",
            "attributes!": trackedPerson,
            meta: profileMeta,
          }),
        ),
      },
    }),
  ),
  bulk: data(
    resource("event-bulk-create-job", {
      "attributes!": {
        "events-bulk-create!": data(
          list(
            resource("event-bulk-create", {
              "attributes!": {
                backfill: "boolean?",
                "profile!": data(
                  resource("profile", {
                    id: "string?",
                    "attributes!": trackedPerson,
                    meta: profileMeta,
                  }),
                ),
                "events!": data(list(resource("event", { "attributes!": eventAttributes }))),
              },
            }),
            { max: 1000 },
          ),
        ),
      },
    }),
  ),
};
