// A second opinion on request bodies: the JSON Schema bundle cut from Klaviyo's official spec.
//
// For: catching what the tables of this fake (the *-shapes.mjs) let through although the spec does
// not.
// Not for: anything that the fake needs: without the file there is only no second opinion.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Beside the project, where the development workspace keeps it; absent in a plain clone. */
export const DEFAULT_SCHEMA = fileURLToPath(
  new URL("../../../shared/klaviyo/klaviyo-requests.schema.json", import.meta.url),
);

/** Answers `(operation, body) => problem | null`; null or a missing default file: no schema. */
export async function loadSchema(path = DEFAULT_SCHEMA) {
  if (path === null || (path === DEFAULT_SCHEMA && !existsSync(path))) return () => null;
  const { default: Ajv } = await import("ajv/dist/2020.js");
  const { default: addFormats } = await import("ajv-formats");
  const bundle = JSON.parse(readFileSync(path, "utf8"));
  const ajv = addFormats(new Ajv({ strict: false }));
  ajv.addSchema(bundle);
  const compiled = new Map();

  return (operation, body) => {
    const name = bundle.requests[operation];
    if (!name) return null;
    let validate = compiled.get(operation);
    if (!validate) {
      validate = ajv.compile({ $ref: `${bundle.$id}#/$defs/${name}` });
      compiled.set(operation, validate);
    }
    if (validate(body)) return null;
    const [{ instancePath, message, params }] = validate.errors;
    const member = params.additionalProperty ? `/${params.additionalProperty}` : "";
    return { pointer: instancePath + member, detail: `JSON Schema: ${message}.`, violation: true };
  };
}
