// Optimistic concurrency: commercetools requires the version for a deletion or an update, and the mock ignores that of
// a deletion.
// https://docs.commercetools.com/api/errors#409-conflict

import { apiError } from "./errors.mjs";

/** The refusal of a change that names no version or another one, or null. */
export function refuseVersion(document, version) {
  if (!document) return null; // the mock answers 404
  if (version === null) return apiError(400, "InvalidInput", "version: Missing required value");
  if (Number(version) === document.version) return null;
  const actual = `Expected: ${version} - Actual: ${document.version}.`;
  const text = `Object ${document.id} has a different version than expected. ${actual}`;
  const refusal = apiError(409, "ConcurrentModification", text);
  refusal.body.errors[0].currentVersion = document.version;
  return refusal;
}
