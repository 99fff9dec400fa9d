// Variants as resources of their own, which the mock lacks: read by id, by key, or by query.
// https://docs.commercetools.com/api/projects/variants
//
// Not here: whether the project has them (project.mjs), writing, and projections.

import { apiError } from "./errors.mjs";

/** Answers a GET below `/variants`; `storage` is that of all other resources. */
export const readVariants = (request) => readQueried({ typeId: "variant", ...request });

/** Answers a GET of resources that the mock does not have. */
export async function readQueried({ typeId, storage, projectKey, url }) {
  const [, , , name, ...deeper] = url.pathname.split("/").map(decodeURIComponent);
  const { limit, offset, ...parameters } = parametersOf(url.searchParams);
  if (!name) {
    const paging = { ...(limit && { limit: +limit }), ...(offset && { offset: +offset }) };
    const page = await storage.query(projectKey, typeId, { ...parameters, ...paging });
    return { status: 200, body: page };
  }
  const document =
    deeper.length === 0 && (await one(storage, projectKey, typeId, name, parameters));
  if (document) return { status: 200, body: document };
  const text = `The Resource with ID '${name}' was not found.`;
  return apiError(404, "ResourceNotFound", text);
}

function one(storage, projectKey, typeId, name, parameters) {
  const key = /^key=(.+)$/.exec(name)?.[1];
  if (key) return storage.getByKey(projectKey, typeId, key, parameters);
  return storage.get(projectKey, typeId, name, parameters);
}

/** As the mock's own services have them: a repeated parameter is a list. */
function parametersOf(searchParams) {
  const names = [...new Set(searchParams.keys())];
  const given = (values) => (values.length === 1 ? values[0] : values);
  return Object.fromEntries(names.map((name) => [name, given(searchParams.getAll(name))]));
}
