// docs/openapi.yaml for tests: its operations, and whether an answer matches it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parse } from "yaml";

export const document = parse(
  readFileSync(new URL("../../docs/openapi.yaml", import.meta.url), "utf8"),
);

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
// A reader bears members that are not documented; the test does not.
const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
ajv.addSchema(closed(document), "openapi");

/** Every operation: `method`, `path` with its parameters in braces, `statuses`, and as it stands. */
export const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.keys(item)
    .filter((name) => METHODS.includes(name))
    .map((name) => ({
      ...item[name],
      path,
      method: name.toUpperCase(),
      security: item[name].security ?? document.security,
      statuses: Object.keys(item[name].responses),
      parameters: [...(item.parameters ?? []), ...(item[name].parameters ?? [])].map(resolved),
    })),
);

export function operation(method, path) {
  const found = operations.find((each) => each.method === method && each.path === path);
  assert.ok(found, `${method} ${path} is not documented`);
  return found;
}

/** The path with its parameters filled in: those that are given, else the examples. */
export function filled({ path, parameters }, given = {}) {
  return path.replace(/\{(\w+)\}/g, (_, name) => {
    const { example } = parameters.find((parameter) => parameter.name === name);
    return given[name] ?? example;
  });
}

/** Fails unless the answer is one that the document has for the operation. */
export function assertDocumented({ method, path }, { status, headers, body, text }) {
  const at = ["paths", path, method.toLowerCase(), "responses", String(status)];
  const response = member(document, at);
  assert.ok(response, `${method} ${path} is not documented to be answered ${status}: ${text}`);
  const { value, place } = reached(response, at);
  for (const [name, header] of Object.entries(value.headers ?? {})) {
    const needed = resolved(header).required;
    assert.ok(!needed || headers.get(name), `${method} ${path} ${status} has no ${name}`);
  }
  if (!value.content) return assert.equal(text, "", `${method} ${path} ${status} has a body`);
  const type = headers.get("content-type")?.split(";")[0];
  assert.ok(value.content[type], `${method} ${path} ${status} is of the type ${type}`);
  if (type !== "application/json") return;
  assertValid([...place, "content", type, "schema"], body, `${method} ${path} ${status}`);
}

/** Whether the document allows this body for the operation. */
export function isAllowedBody({ method, path }, body) {
  const at = ["paths", path, method.toLowerCase(), "requestBody"];
  const { place } = reached(member(document, at), at);
  return validator([...place, "content", "application/json", "schema"])(body);
}

function assertValid(at, value, what) {
  const validate = validator(at);
  assert.ok(
    validate(value),
    `${what}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value)}`,
  );
}

function validator(at) {
  const pointer = at.map((name) => name.replaceAll("~", "~0").replaceAll("/", "~1"));
  return ajv.compile({ $ref: `openapi#/${pointer.map(encodeURIComponent).join("/")}` });
}

function resolved(value) {
  return reached(value, []).value;
}

/** What a reference leads to, and where that stands. */
function reached(value, place) {
  if (!value.$ref) return { value, place };
  const at = value.$ref.split("/").slice(1);
  return reached(member(document, at), at);
}

function member(value, [name, ...rest]) {
  return name === undefined || value === undefined ? value : member(value[name], rest);
}

/** A copy in which no object may have other members than those that are listed. */
function closed(value) {
  if (Array.isArray(value)) return value.map(closed);
  if (value === null || typeof value !== "object") return value;
  const copy = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, closed(one)]));
  const isObject = [copy.type].flat().includes("object") && copy.properties;
  return isObject ? { additionalProperties: false, ...copy } : copy;
}
