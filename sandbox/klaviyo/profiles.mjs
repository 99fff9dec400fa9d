// The profiles of the fake: by id, e-mail, external id, phone number and anonymous id.
//
// For: finding, creating, changing, merging and deleting profiles, with Klaviyo's meaning of null,
// absent and `meta.patch_properties` (klaviyo.md §2.2).
// Not for: HTTP (profile-routes.mjs), and events, which only refer to a profile's id.
// Not modelled: `patch_identifiers` (secondary e-mails), `_kx`, lists, segments, subscriptions.

import { duplicateProfile, notFound } from "./errors.mjs";
import { inSeconds } from "./time.mjs";

// In this order, the profile that an identifier names is looked for. Klaviyo documents no
// precedence beyond "`id` wins when given"; e-mail first, because its identity resolution goes by
// e-mail most.
const IDENTIFIERS = ["email", "external_id", "phone_number", "anonymous_id"];

const BLANK_LOCATION = Object.fromEntries(
  [
    "address1",
    "address2",
    "city",
    "country",
    "latitude",
    "longitude",
    "region",
    "zip",
    "timezone",
    "ip",
  ].map((name) => [name, null]),
);
const TEXTS = ["first_name", "last_name", "organization", "locale", "title", "image"];

export function createProfiles({ now, newId }) {
  const byId = new Map();
  const index = Object.fromEntries(IDENTIFIERS.map((name) => [name, new Map()]));
  let seq = 0;

  /** All profiles that one of the identifiers names, in the order of precedence, each once. */
  function matches(attributes) {
    const found = IDENTIFIERS.map((name) => lookUp(name, attributes[name])).filter(Boolean);
    return [...new Set(found)];
  }

  function lookUp(name, value) {
    return value ? index[name].get(canonical(name, value)) : undefined;
  }

  function get(id) {
    const profile = byId.get(id);
    if (!profile) throw notFound("profile", id);
    return profile;
  }

  function create(resource) {
    const [taken] = matches(resource.attributes);
    if (taken) throw duplicateProfile(taken.id);
    return insert(resource);
  }

  function update(id, resource) {
    const profile = get(id);
    const other = matches(resource.attributes).find((each) => each !== profile);
    if (other) throw duplicateProfile(other.id);
    return write(profile, resource);
  }

  /**
   * Create or update, as profile-import and the bulk import do. Identifiers that belong to
   * different profiles are a conflict; `nullClears` is false in the bulk import, which "cannot
   * clear fields with null".
   */
  function upsert(resource, { nullClears = true } = {}) {
    const named = resource.id ? get(resource.id) : null;
    const found = matches(resource.attributes);
    const target = named ?? found[0];
    const other = found.find((each) => each !== target);
    if (other) throw duplicateProfile(other.id);
    if (!target) return { profile: insert(resource, nullClears), created: true };
    return { profile: write(target, resource, nullClears), created: false };
  }

  /**
   * As an event does it: never refuses; an identifier that another profile holds stays where it is.
   * Answers undefined for an unknown id alone ("invalid identifiers can be dropped later, without
   * any feedback").
   */
  function resolve(resource) {
    const target = byId.get(resource.id) ?? matches(resource.attributes)[0];
    if (!target && !IDENTIFIERS.some((name) => resource.attributes[name])) return undefined;
    if (!target) return insert(resource);
    const attributes = { ...resource.attributes };
    for (const name of IDENTIFIERS) {
      const holder = lookUp(name, attributes[name]);
      if (holder && holder !== target) delete attributes[name];
    }
    return write(target, { ...resource, attributes });
  }

  function insert(resource, nullClears = true) {
    const at = now();
    const profile = { id: newId(), seq, createdAt: at, updatedAt: at, lastEventAt: null };
    seq += 1;
    for (const name of [...IDENTIFIERS, ...TEXTS]) profile[name] = null;
    profile.location = { ...BLANK_LOCATION };
    profile.properties = {};
    byId.set(profile.id, profile);
    return write(profile, resource, nullClears);
  }

  function write(profile, { attributes, meta }, nullClears = true) {
    for (const name of [...IDENTIFIERS, ...TEXTS]) {
      const value = attributes[name];
      if (value === undefined || (value === null && !nullClears)) continue;
      if (name in index) setIdentifier(profile, name, value);
      else profile[name] = value;
    }
    // Whether a partial location replaces or merges is documented nowhere; it is merged here.
    if (attributes.location === null && nullClears) profile.location = { ...BLANK_LOCATION };
    for (const [name, value] of Object.entries(attributes.location ?? {})) {
      if (value !== null || nullClears) profile.location[name] = value;
    }
    if (attributes.properties === null && nullClears) profile.properties = {};
    for (const [name, value] of Object.entries(attributes.properties ?? {})) {
      if (value !== null) profile.properties[name] = value;
      else if (nullClears) delete profile.properties[name];
    }
    patch(profile.properties, meta?.patch_properties);
    profile.updatedAt = now();
    return profile;
  }

  function setIdentifier(profile, name, value) {
    if (profile[name]) index[name].delete(profile[name]);
    profile[name] = value ? canonical(name, value) : null;
    if (profile[name]) index[name].set(profile[name], profile);
  }

  function remove(profile) {
    for (const name of IDENTIFIERS) if (profile[name]) index[name].delete(profile[name]);
    byId.delete(profile.id);
  }

  /** The destination's values win; what it lacks it takes from the source, which then is gone. */
  function merge(destination, source) {
    remove(source);
    const missing = Object.fromEntries(
      [...IDENTIFIERS, ...TEXTS]
        .filter((name) => !destination[name])
        .map((name) => [name, source[name]]),
    );
    const properties = { ...source.properties, ...destination.properties };
    write(destination, { attributes: { ...missing, properties } });
  }

  /**
   * Names the profile that a resource means, for telling apart the groups of one request: its id
   * where it is known already, else one name for all resources that share an identifier.
   */
  function namer() {
    const names = new Map();
    return ({ id, attributes }) => {
      const keys = IDENTIFIERS.filter((name) => attributes[name]).map(
        (name) => `${name} ${canonical(name, attributes[name])}`,
      );
      const known = byId.get(id) ?? matches(attributes)[0];
      const shared = keys.map((key) => names.get(key)).find(Boolean);
      const person = known?.id ?? shared ?? id ?? keys[0];
      for (const key of keys) names.set(key, person);
      return person;
    };
  }

  return {
    get,
    find: lookUp,
    matches,
    namer,
    has: (id) => byId.has(id),
    list: () => [...byId.values()],
    create,
    update,
    upsert,
    resolve,
    remove,
    merge,
  };
}

/** The attributes as a response shows them (recorded, klaviyo.md §2.2). */
export function profileAttributes(profile) {
  const attributes = { whatsapp_bsuid: null };
  for (const name of [...IDENTIFIERS, ...TEXTS]) attributes[name] = profile[name];
  return {
    ...attributes,
    created: inSeconds(profile.createdAt),
    updated: inSeconds(profile.updatedAt),
    last_event_date: profile.lastEventAt === null ? null : inSeconds(profile.lastEventAt),
    location: profile.location,
    properties: profile.properties,
  };
}

// E-mail addresses are case-insensitive and stored in lower case.
function canonical(name, value) {
  return name === "email" ? value.toLowerCase() : value;
}

function patch(properties, changes) {
  const { unset, append, unappend } = changes ?? {};
  for (const name of [unset ?? []].flat()) delete properties[name];
  for (const [name, values] of Object.entries(append ?? {})) {
    const held = [properties[name] ?? []].flat();
    properties[name] = [...held, ...[values].flat().filter((value) => !held.includes(value))];
  }
  for (const [name, values] of Object.entries(unappend ?? {})) {
    if (!Array.isArray(properties[name])) continue;
    properties[name] = properties[name].filter((value) => ![values].flat().includes(value));
  }
}
