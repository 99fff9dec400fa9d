// A short title of a request to Klaviyo: the metric of an event, or the object.

import { amount, counted } from "./format.js";

/** The objects of Klaviyo's paths. */
const OBJECTS = {
  "catalog-items": "Item",
  "catalog-variants": "Variant",
  "catalog-categories": "Category",
  "profile-import": "Profile",
  profiles: "Profile",
  "data-privacy-deletion-jobs": "Erasure of profile",
};

/**
 * "Placed Order · 328.27 EUR", "Item · Hiking boot". The title of a profile is the customer's id in the
 * shop: the body has the personal data, and a reader opens it on purpose.
 */
export function requestTitle({ path, body }) {
  const [, , object, id] = path.split("/");
  const attributes = body?.data?.attributes ?? {};
  const several = attributes["events-bulk-create"]?.data;
  if (several) return counted(several.length, "event");
  if (object === "events") return eventTitle(attributes);
  // The `title` of a profile is the person's own.
  const shown = OBJECTS[object] === "Profile" ? undefined : (attributes.title ?? attributes.name);
  const name = shown ?? attributes.external_id ?? attributes.profile?.data?.id ?? shopId(id ?? "");
  return [OBJECTS[object] ?? object, name].filter((part) => part).join(" · ");
}

function eventTitle({ metric, value, value_currency: currency }) {
  const name = metric?.data?.attributes?.name ?? "Event";
  return typeof value === "number" ? `${name} · ${amount(value, currency)}` : name;
}

/** The shop's part of an id such as "$custom:::$default:::cairn-28", as in a path. */
const shopId = (id) => decodeURIComponent(id).split(":::").at(-1);
