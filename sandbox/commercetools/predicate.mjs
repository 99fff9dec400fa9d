// Evaluates a query predicate on a document.
//
// The mock has its own predicates, but reads `a and b or c` as `a and (b or c)`, loses `var.x`
// inside `not(…)`, knows neither `not in` nor negative numbers, compares timestamps as text, and
// cannot compare ids in commercetools' order. Not here: the grammar (predicate-parser.mjs).

import { compareValues } from "./ordering.mjs";
import { parsePredicate } from "./predicate-parser.mjs";

const HOLDS = {
  "=": (order) => order === 0,
  "<": (order) => order < 0,
  "<=": (order) => order <= 0,
  ">": (order) => order > 0,
  ">=": (order) => order >= 0,
};

/** What a predicate may name, and no document shows. */
const DERIVED = { lowercaseEmail: ({ email }) => email?.toLowerCase() };

/**
 * All of `wheres` (a repeated parameter is a conjunction) as `{ matches(document), ids, among(path),
 * fields }`. `ids` says what the whole asks of the id (`after`, `from` or `among`, none of them
 * sharper than `matches`), so that a walk need not look at what lies before its cursor; `among` gives
 * the values that the field at a path is one of, where that is asked for, so that an index can find
 * the documents; `fields` is a set of every name in it. Throws a `SyntaxError`.
 */
export function parseWhere(wheres, variables, keyOf) {
  const trees = wheres.map((text) => parsePredicate(text, variables));
  const tests = trees.map((tree) => evaluator(tree, keyOf));
  return {
    matches: (document) => tests.every((test) => test(document)),
    ids: Object.assign({}, ...trees.map((tree) => conditions(tree, ["id"]))),
    among: (path) => Object.assign({}, ...trees.map((tree) => conditions(tree, path))).among,
    fields: new Set(trees.flatMap(namesIn)),
  };
}

function evaluator(node, keyOf) {
  const inner = (part) => evaluator(part, keyOf);
  const valueIn = DERIVED[node.name] ?? ((document) => document[node.name]);
  const some = (test) => (document) => elements(valueIn(document)).some(test);
  switch (node.kind) {
    case "and": {
      const tests = node.parts.map(inner);
      return (document) => tests.every((test) => test(document));
    }
    case "or": {
      const tests = node.parts.map(inner);
      return (document) => tests.some((test) => test(document));
    }
    case "not":
      return negation(inner(node.part));
    case "nested":
      return some(inner(node.part));
    case "compare": {
      const order = (value) => compareValues(node.name, value, node.value, keyOf);
      if (["!=", "<>"].includes(node.symbol)) return negation(some((value) => order(value) === 0));
      const holds = HOLDS[node.symbol];
      return some((value) => holds(order(value)));
    }
    case "in":
    case "any of": {
      const wanted = new Set(node.values);
      return some((value) => wanted.has(value));
    }
    case "all of":
      return (document) => {
        const present = new Set(elements(document[node.name]));
        return node.values.every((value) => present.has(value));
      };
    case "defined":
      return (document) => document[node.name] !== undefined;
    case "empty":
      return (document) => elements(document[node.name]).length === 0;
    case "ignoring case": {
      const wanted = String(node.value).toLowerCase();
      return some((value) => String(value).toLowerCase() === wanted);
    }
  }
}

function negation(test) {
  return (document) => !test(document);
}

/** A field that holds a list matches when one of its elements does. */
function elements(value) {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** Only what stands in a conjunction must hold for every match. */
function conditions(node, path) {
  if (node.kind === "and") {
    return Object.assign({}, ...node.parts.map((part) => conditions(part, path)));
  }
  const [name, ...rest] = path;
  if (node.name !== name) return {};
  if (node.kind === "nested") return rest.length > 0 ? conditions(node.part, rest) : {};
  if (rest.length > 0) return {};
  if (node.kind === "in") return { among: node.values };
  if (node.kind !== "compare") return {};
  const known = { ">": { after: node.value }, ">=": { from: node.value } };
  return { ...known, "=": { among: [node.value] } }[node.symbol] ?? {};
}

function namesIn({ name, part, parts = part ? [part] : [] }) {
  return [...(name === undefined ? [] : [name]), ...parts.flatMap(namesIn)];
}
