// The request bodies of consent and back-in-stock operations, as tables for validate.mjs.
//
// For: Klaviyo's strictness if no JSON Schema file exists; the tables say the same as
// klaviyo-requests.schema.json (if that file exists, a test compares the two).
// Not for: rules about values and sizes; those are in rules.mjs.
// Source: official OpenAPI spec, revision 2026-07-15, as recorded in klaviyo.md §2.2 (consent) and
// §2.3 (back in stock).

import { identifiers, listReference } from "./profile-shapes.mjs";
import { data, list, nullable, object, oneOf, resource } from "./validate.mjs";

const consented = object({ "consent!": oneOf("SUBSCRIBED"), consented_at: "time?" });
const revoked = object({ "consent!": oneOf("UNSUBSCRIBED") });

// Push consent carries device tokens; only the schema file, where there is one, looks into it.
function channels(consent, tracking, whatsapp = {}) {
  const messages = { marketing: nullable(consent), transactional: nullable(consent) };
  return {
    email: nullable({ marketing: nullable(consent), open_tracking: nullable(tracking) }),
    sms: nullable(messages),
    whatsapp: nullable({ ...messages, ...whatsapp }),
    push: "object?",
  };
}

const listRelationship = { list: { data: listReference } };

export const consentShapes = {
  subscribe: data(
    resource("profile-subscription-bulk-create-job", {
      "attributes!": {
        custom_source: "string?",
        historical_import: "boolean?",
        "profiles!": data(
          list(
            resource("profile", {
              id: "string?",
              "attributes!": {
                email: "string?",
                phone_number: "string?",
                age_gated_date_of_birth: "date?",
                "subscriptions!": channels(consented, { "consent!": oneOf("SUBSCRIBED") }),
              },
            }),
            { max: 1000 },
          ),
        ),
      },
      relationships: listRelationship,
    }),
  ),
  unsubscribe: data(
    resource("profile-subscription-bulk-delete-job", {
      "attributes!": {
        "profiles!": data(
          list(
            resource("profile", {
              "attributes!": {
                email: "string?",
                phone_number: "string?",
                "subscriptions!": channels(revoked, revoked, {
                  conversational: nullable(revoked),
                }),
              },
            }),
            { max: 100 },
          ),
        ),
      },
      relationships: listRelationship,
    }),
  ),
  backInStock: data(
    resource("back-in-stock-subscription", {
      "attributes!": {
        "channels!": list(oneOf("EMAIL", "PUSH", "SMS", "WHATSAPP")),
        profile: nullable(
          data(resource("profile", { id: "string?", "attributes!": { ...identifiers } })),
        ),
      },
      "relationships!": {
        "variant!": data(resource("catalog-variant", { "id!": "string" })),
      },
    }),
  ),
};
