// A small validator for request bodies: takes tables of allowed members, returns problems with JSON
// pointers.
//
// For: what Klaviyo refuses by shape alone: unknown members, missing members and wrong types
// (klaviyo.md §2.0: "unknown fields are rejected too"), without any schema file.
// Not for: values (see rules.mjs), and JSON Schema; the tables are in the *-shapes.mjs.
//
// A check is a function `(value, path, report, resource)`. `path` is the array of keys that lead to
// the value, `report(path, detail)` notes a problem, `resource` is the type name that error
// messages mention. Wherever a check is expected, a table (object) or the name of a scalar
// ("string", "number?", …) will do.

const SCALARS = {
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  object: isObject,
  time: (value) => typeof value === "string" && isDateTime(value),
  date: (value) => typeof value === "string" && isDate(value),
};

/** Members by name: `{ "name!": check }` is required, `{ name: check }` is not. No others. */
export function object(table) {
  const checks = new Map();
  const required = [];
  for (const [key, spec] of Object.entries(table)) {
    const name = key.replace(/!$/, "");
    checks.set(name, toCheck(spec));
    if (name !== key) required.push(name);
  }
  return (value, path, report, resource) => {
    if (!isObject(value)) return report(path, `'${last(path)}' must be an object.`);
    for (const name of required) {
      if (value[name] === undefined) {
        report([...path, name], `'${name}' is a required field for the resource '${resource}'.`);
      }
    }
    for (const name of Object.keys(value)) {
      path.push(name);
      const check = checks.get(name);
      if (check) check(value[name], path, report, resource);
      else report(path, `'${name}' is not a valid field for the resource '${resource}'.`);
      path.pop();
    }
  };
}

/** A JSON:API resource object of the given type. */
export function resource(type, table) {
  const check = object({ "type!": oneOf(type), ...table });
  return (value, path, report) => check(value, path, report, type);
}

/** The `{"data": …}` around a resource, a relationship or a list of them. */
export function data(spec) {
  return object({ "data!": spec });
}

export function list(spec, { max = Number.POSITIVE_INFINITY } = {}) {
  const check = toCheck(spec);
  return (value, path, report, name) => {
    if (!Array.isArray(value)) return report(path, `'${last(path)}' must be a list.`);
    if (value.length > max) {
      return report(path, `'${last(path)}' must not have more than ${max} elements.`);
    }
    for (let index = 0; index < value.length; index += 1) {
      path.push(index);
      check(value[index], path, report, name);
      path.pop();
    }
  };
}

export function nullable(spec) {
  const check = toCheck(spec);
  return (value, path, report, name) => {
    if (value !== null) check(value, path, report, name);
  };
}

export function oneOf(...values) {
  return (value, path, report) => {
    if (values.includes(value)) return;
    const allowed = values.map((each) => JSON.stringify(each)).join(", ");
    report(path, `'${last(path)}' must be one of ${allowed}.`);
  };
}

/** Any of several scalars, e.g. `either("string", "number")`. */
export function either(...names) {
  return (value, path, report) => {
    if (names.some((name) => SCALARS[name](value))) return;
    report(path, `'${last(path)}' must be of type ${names.join(" or ")}.`);
  };
}

/** Runs a check over a body; returns the problems, at most `max` of them. */
export function problemsOf(check, body, max) {
  const problems = [];
  check(body, [], (path, detail) => {
    if (problems.length < max) {
      problems.push({ pointer: toPointer(path), detail, violation: true });
    }
  });
  return problems;
}

export function toPointer(path) {
  return path.map((key) => `/${String(key).replace(/~/g, "~0").replace(/\//g, "~1")}`).join("");
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function toCheck(spec) {
  if (typeof spec === "function") return spec;
  if (typeof spec === "object") return object(spec);
  const name = spec.replace(/\?$/, "");
  const fits = SCALARS[name];
  const check = (value, path, report) => {
    if (!fits(value)) report(path, `'${last(path)}' must be a valid ${name}.`);
  };
  return name === spec ? check : nullable(check);
}

function last(path) {
  return path.length > 0 ? path[path.length - 1] : "body";
}

// RFC 3339: a date, a time and an offset are all required.
function isDateTime(text) {
  const shape = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i.exec(text);
  return shape !== null && isDate(shape[1]) && !Number.isNaN(Date.parse(text));
}

function isDate(text) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
