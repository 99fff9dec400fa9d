// Reference expansion: the `expand` parameter, as `masterData.current.categories[*].ancestors[*]`
// https://docs.commercetools.com/api/general-concepts#reference-expansion
//
// As in the real API, a reference whose target is gone has no `obj` (the mock answers 400), and the
// order of the rest stays the same. Not here: scopes.

/** Fills `obj` into the references of `document`, in place; `lookup(typeId, id)` gives a copy. */
export function expandReferences(document, paths, lookup) {
  for (const path of paths) expand(document, path.split("."), lookup);
}

function expand(node, [segment, ...rest], lookup) {
  for (const element of select(node, segment)) {
    const target = isReference(element) ? resolved(element, lookup) : element;
    if (target && rest.length > 0) expand(target, rest, lookup);
  }
}

function select(node, segment) {
  const [, name, index] = /^([^[\]]+)(?:\[(\*|\d+)\])?$/.exec(segment) ?? [];
  const value = node[name];
  if (typeof value !== "object" || value === null) return [];
  if (!Array.isArray(value)) return index === undefined ? [value] : [];
  if (index === "*") return value;
  return index === undefined ? [] : value.slice(Number(index), Number(index) + 1);
}

function isReference(value) {
  return typeof value.typeId === "string" && typeof value.id === "string";
}

function resolved(reference, lookup) {
  reference.obj ??= lookup(reference.typeId, reference.id);
  return reference.obj;
}
