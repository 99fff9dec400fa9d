// The endpoints outside of profiles, events and the catalogue: deletion, consent, back in stock,
// the account.
//
// For: accepting these requests by their rules and keeping them for tests.
// Not for: consent as a state; a subscription is kept as it came and changes no profile.
// Source: klaviyo.md §2.2 (deletion, consent) and §2.3 (back in stock).

import { noSuchProfile } from "./errors.mjs";
import { identifierRules, profileRules, subscribeRules } from "./rules.mjs";

export function createConsent() {
  return { deletions: [], subscriptions: [], backInStock: [] };
}

// --- Deletion ------------------------------------------------------------------------------------

export function checkDeletion({ body, report, settings }) {
  const { id, attributes } = body.data.attributes.profile.data;
  const path = ["data", "attributes", "profile", "data"];
  const given = [id, attributes.email, attributes.phone_number].filter(Boolean);
  if (given.length !== 1) report(path, "Exactly one identifier is required.");
  identifierRules(attributes, [...path, "attributes"], report, settings);
}

/** Asynchronous; the profile and its events are gone when the job has run. */
export function requestDeletion({ state, body, now }) {
  const { id, attributes } = body.data.attributes.profile.data;
  const named = id && state.profiles.has(id) ? [state.profiles.get(id)] : [];
  const found = id ? named : state.profiles.matches(attributes);
  if (found.length === 0) throw noSuchProfile();
  const identifier = id ? { id } : { ...attributes };
  state.consent.deletions.push({ identifier, profileIds: found.map((each) => each.id), at: now() });
  state.jobs.add({
    type: "data-privacy-deletion-job",
    total: found.length,
    run: () => {
      const held = found.filter((profile) => state.profiles.has(profile.id));
      for (const profile of held) {
        state.profiles.remove(profile);
        state.events.removeOf(profile.id);
      }
      return { completed: held.length };
    },
  });
  return { status: 202 };
}

// --- Consent -------------------------------------------------------------------------------------

export function checkSubscription({ body, report, settings, now }) {
  checkPeople(body, report, settings);
  if (body.data.type === "profile-subscription-bulk-create-job")
    subscribeRules(body, report, now());
}

function checkPeople(body, report, settings) {
  body.data.attributes.profiles.data.forEach((resource, index) => {
    profileRules(resource, ["data", "attributes", "profiles", "data", index], report, settings);
  });
}

/** Subscribe and unsubscribe alike: kept row by row. */
export function keepSubscriptions({ state, body }) {
  const { profiles, historical_import: historical } = body.data.attributes;
  const list = body.data.relationships?.list?.data?.id ?? null;
  for (const { attributes } of profiles.data) {
    const { email = null, phone_number: phone = null, subscriptions } = attributes;
    state.consent.subscriptions.push({
      email: email?.toLowerCase() ?? null,
      phone,
      list,
      historical: Boolean(historical),
      subscriptions,
    });
  }
  return { status: 202 };
}

// --- Back in stock -------------------------------------------------------------------------------

export function checkBackInStock({ body, report, settings }) {
  const profile = body.data.attributes.profile?.data;
  const path = ["data", "attributes", "profile"];
  if (profile) profileRules(profile, [...path, "data"], report, settings);
  else report(path, "A profile is required.");
}

export function keepBackInStock({ state, body }) {
  const { channels, profile } = body.data.attributes;
  const variant = state.catalog.get("variant", body.data.relationships.variant.data.id);
  const {
    email = null,
    phone_number: phone = null,
    external_id: externalId = null,
  } = profile.data.attributes;
  state.consent.backInStock.push({ variant: variant.id, channels, email, phone, externalId });
  return { status: 202 };
}

// --- The account ---------------------------------------------------------------------------------

/** Enough for a check of the key at start-up; the values are invented. */
export function listAccounts({ url }) {
  const data = {
    type: "account",
    id: "SANDBX",
    attributes: {
      test_account: true,
      contact_information: {
        default_sender_name: "Sandbox",
        default_sender_email: "sandbox@example.com",
        website_url: "https://shop.example.com",
        organization_name: "Sandbox",
      },
      industry: "Ecommerce",
      timezone: "Europe/Berlin",
      preferred_currency: "EUR",
      public_api_key: "SANDBX",
      locale: "en-US",
    },
    links: { self: `${url.origin}/api/accounts/SANDBX/` },
  };
  return { status: 200, body: { data: [data], links: { self: url.href } } };
}
