// Query parameters of Klaviyo's GET endpoints: filter, sort, paging, sparse fieldsets, include.
//
// For: parsing them against what an operation allows (anything else is a 400 with `source.parameter`), and cutting a
// page out of a list. Cursors name the last row returned, so a page never repeats or skips rows if others are added
// meanwhile.
// Not for: the meaning of a filter; the handlers have that.
//
// What an operation allows (`operation.query`):
//   { filter: { field: ["equals", "any"] }, sort: ["created"], fields: "profile",
//     include: ["metric"], page: { size: 20, max: 100 } }     without `max`, no page[size]

import { invalidQuery } from "./errors.mjs";

const MAX_ANY = 100; // "<= 100 values works" (klaviyo.md §2.2); more was never seen to

export function parseQuery(search, allowed = {}) {
  const query = { filters: [], sort: null, include: [], fields: null, ...pageDefaults(allowed) };
  for (const [name, value] of new URLSearchParams(search)) {
    if (name === "filter" && allowed.filter) query.filters = parseFilter(value, allowed.filter);
    else if (name === "sort" && allowed.sort) query.sort = parseSort(value, allowed.sort);
    else if (name === "include" && allowed.include) {
      query.include = choose("include", value, allowed.include);
    } else if (allowed.fields && name === `fields[${allowed.fields}]`) {
      query.fields = new Set(value.split(","));
    } else if (name === "page[size]" && allowed.page?.max) {
      query.size = parseSize(value, allowed.page.max);
    } else if (name === "page[cursor]" && allowed.page) query.cursor = parseCursor(value);
    else if (!ignored(name, allowed)) {
      throw invalidQuery(name, `'${name}' is not a valid parameter for this endpoint.`);
    }
  }
  return query;
}

/** One page of rows, which must be in ascending order of `seq`; a `-field` turns them round. */
export function paginate(rows, query, url) {
  const ordered = query.sort?.descending ? [...rows].reverse() : rows;
  const passed = ({ seq }) => (query.sort?.descending ? seq < query.cursor : seq > query.cursor);
  const start = query.cursor === null ? 0 : ordered.findIndex(passed);
  const page = start < 0 ? [] : ordered.slice(start, start + query.size);
  const more = start >= 0 && start + query.size < ordered.length;
  const next = more ? pageUrl(url, page[page.length - 1].seq) : null;
  return { page, links: { self: url.href, first: pageUrl(url, null), prev: null, next } };
}

/** Leaves only the asked-for attributes; the name of an unknown one is refused. */
export function sparse(attributes, query, type) {
  if (!query.fields) return attributes;
  const entries = [...query.fields].map((name) => {
    if (!(name in attributes)) {
      throw invalidQuery(`fields[${type}]`, `'${name}' is not a valid field for '${type}'.`);
    }
    return [name, attributes[name]];
  });
  return Object.fromEntries(entries);
}

// Asks for more or less of what the fake does not hold, or of included objects.
function ignored(name, allowed) {
  if (name === "additional-fields[profile]") return allowed.fields === "profile";
  return Boolean(allowed.include) && name.startsWith("fields[");
}

function pageDefaults({ page }) {
  return { size: page?.size ?? Number.POSITIVE_INFINITY, cursor: null };
}

// filter = calls / "and(" calls ")", calls = call *( "," call ), call = name "(" field "," value ")"; a
// value is JSON, or a bare date or word.
const STRING = String.raw`"(?:[^"\\]|\\.)*"`;
const VALUE = String.raw`\[(?:${STRING}|[^\]"])*\]|${STRING}|'[^']*'|[^,()]+`;
const CALL = String.raw`\s*([a-z-]+)\(\s*([\w.]+)\s*,\s*(${VALUE})\s*\)\s*(?:,|$)`;

function parseFilter(given, allowed) {
  const text = /^\s*and\((.*)\)\s*$/s.exec(given)?.[1] ?? given;
  const call = new RegExp(CALL, "y");
  const filters = [];
  while (call.lastIndex < text.length) {
    const found = call.exec(text);
    if (!found) throw invalidQuery("filter", `The filter '${text}' cannot be parsed.`);
    const [, op, field, raw] = found;
    if (!allowed[field]?.includes(op)) {
      throw invalidQuery("filter", `'${field}' cannot be filtered with '${op}'.`);
    }
    const value = parseValue(raw);
    if (Array.isArray(value) !== (op === "any")) {
      throw invalidQuery("filter", `'${op}' does not take ${raw}.`);
    }
    if (value.length > MAX_ANY && op === "any") {
      throw invalidQuery("filter", `'any' takes at most ${MAX_ANY} values.`);
    }
    filters.push({ op, field, value, quoted: /^["']/.test(raw) });
  }
  return filters;
}

function parseValue(raw) {
  if (raw.startsWith("'")) return raw.slice(1, -1);
  if (!/^["[]/.test(raw)) return raw.trim();
  try {
    return JSON.parse(raw);
  } catch {
    throw invalidQuery("filter", `The value ${raw} cannot be parsed.`);
  }
}

function parseSort(value, allowed) {
  const field = value.replace(/^-/, "");
  if (!allowed.includes(field)) throw invalidQuery("sort", `'${value}' is not a valid sort.`);
  return { field, descending: value.startsWith("-") };
}

function parseSize(value, max) {
  const size = Number(value);
  if (!Number.isInteger(size) || size < 1 || size > max) {
    throw invalidQuery("page[size]", `The page size must be between 1 and ${max}.`);
  }
  return size;
}

function parseCursor(value) {
  const seq = Number(Buffer.from(value, "base64url").toString());
  if (!Number.isInteger(seq)) throw invalidQuery("page[cursor]", "The cursor is not valid.");
  return seq;
}

function choose(name, value, allowed) {
  const chosen = value.split(",");
  const unknown = chosen.find((each) => !allowed.includes(each));
  if (unknown) throw invalidQuery(name, `'${unknown}' cannot be included.`);
  return chosen;
}

function pageUrl(url, seq) {
  const copy = new URL(url);
  if (seq === null) copy.searchParams.delete("page[cursor]");
  else copy.searchParams.set("page[cursor]", Buffer.from(String(seq)).toString("base64url"));
  return copy.href;
}
