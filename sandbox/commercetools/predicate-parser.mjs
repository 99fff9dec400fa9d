// The grammar of query predicates: the text of a `where` parameter → a tree.
// https://docs.commercetools.com/api/predicates/query
//
// Not here: the evaluation of the tree (predicate.mjs), and `within circle(…)`.

const TOKEN = new RegExp(
  [
    /(?<string>"(?:\\.|[^"\\])*")/,
    /(?<number>-?\d+(?:\.\d+)?)(?![\w-])/,
    /:(?<variable>[\w-]+)/,
    /(?<quoted>`[^`]+`)/,
    /(?<word>[A-Za-z0-9_-]+)/,
    /(?<symbol><>|!=|<=|>=|[=<>(),])/,
  ]
    .map((pattern) => pattern.source)
    .join("|"),
  "y",
);

const COMPARISONS = ["=", "!=", "<>", "<", "<=", ">", ">="];

/**
 * Nodes: `{ kind: "and" | "or", parts }`, `{ kind: "not" | "nested", part }`,
 * `{ kind: "compare", symbol, value }`, `{ kind: "in" | "any of" | "all of", values }`,
 * `{ kind: "defined" | "empty" }`, `{ kind: "ignoring case", value }`; all but the first three
 * carry the `name` of a field, as "nested" does. Throws a `SyntaxError`.
 */
export function parsePredicate(text, variables) {
  const reader = readTokens(text);
  const tree = disjunction(reader, variables);
  if (reader.peek()) throw reader.unexpected("the end");
  return tree;
}

function readTokens(text) {
  const tokens = [];
  for (let at = skipSpace(text, 0); at < text.length; at = skipSpace(text, TOKEN.lastIndex)) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (!match) throw malformed(`unexpected '${text[at]}' at column ${at + 1} of '${text}'`);
    const [kind, value] = Object.entries(match.groups).find(([, found]) => found !== undefined);
    tokens.push({ kind, value });
  }
  let next = 0;
  const is = (token, wanted) =>
    (token?.kind === "word" && token.value.toLowerCase() === wanted) ||
    (token?.kind === "symbol" && token.value === wanted);
  const reader = {
    peek: () => tokens[next],
    take: () => tokens[next++],
    accept(wanted) {
      const found = is(tokens[next], wanted);
      if (found) next += 1;
      return found;
    },
    expect(wanted) {
      if (!reader.accept(wanted)) throw reader.unexpected(`'${wanted}'`);
    },
    unexpected: (wanted) =>
      malformed(`'${tokens[next]?.value ?? "end"}' where ${wanted} should be, in '${text}'`),
  };
  return reader;
}

function skipSpace(text, from) {
  return from + text.slice(from).search(/\S|$/);
}

function disjunction(reader, variables) {
  const parts = [conjunction(reader, variables)];
  while (reader.accept("or")) parts.push(conjunction(reader, variables));
  return parts.length === 1 ? parts[0] : { kind: "or", parts };
}

function conjunction(reader, variables) {
  const parts = [term(reader, variables)];
  while (reader.accept("and")) parts.push(term(reader, variables));
  return parts.length === 1 ? parts[0] : { kind: "and", parts };
}

function term(reader, variables) {
  if (reader.accept("not")) return { kind: "not", part: term(reader, variables) };
  if (reader.accept("(")) return inParentheses(reader, variables);
  return condition(reader, variables, fieldName(reader));
}

function inParentheses(reader, variables) {
  const part = disjunction(reader, variables);
  reader.expect(")");
  return part;
}

function fieldName(reader) {
  const { kind, value } = reader.peek() ?? {};
  if (!["word", "number", "quoted"].includes(kind)) throw reader.unexpected("a field");
  reader.take();
  return kind === "quoted" ? value.slice(1, -1) : value;
}

function condition(reader, variables, name) {
  if (reader.accept("(")) return { kind: "nested", name, part: inParentheses(reader, variables) };
  if (reader.accept("in")) return { kind: "in", name, values: list(reader, variables) };
  if (reader.accept("not")) {
    reader.expect("in");
    return { kind: "not", part: { kind: "in", name, values: list(reader, variables) } };
  }
  if (reader.accept("is")) {
    const negated = reader.accept("not");
    const node = { kind: oneOf(reader, ["defined", "empty"]), name };
    return negated ? { kind: "not", part: node } : node;
  }
  if (reader.accept("contains")) {
    const kind = `${oneOf(reader, ["all", "any"])} of`;
    return { kind, name, values: list(reader, variables) };
  }
  if (reader.accept("matches")) {
    reader.expect("ignore");
    reader.expect("case");
    return { kind: "ignoring case", name, value: value(reader, variables) };
  }
  return {
    kind: "compare",
    name,
    symbol: oneOf(reader, COMPARISONS),
    value: value(reader, variables),
  };
}

function oneOf(reader, words) {
  const found = words.find(reader.accept);
  if (!found) throw reader.unexpected(words.join(" or "));
  return found;
}

function list(reader, variables) {
  if (!reader.accept("(")) return [value(reader, variables)].flat();
  const values = [value(reader, variables)];
  while (reader.accept(",")) values.push(value(reader, variables));
  reader.expect(")");
  return values.flat();
}

function value(reader, variables) {
  if (reader.accept("true")) return true;
  if (reader.accept("false")) return false;
  const token = reader.peek() ?? {};
  if (!["string", "number", "variable"].includes(token.kind)) throw reader.unexpected("a value");
  reader.take();
  if (token.kind === "string") return token.value.slice(1, -1).replace(/\\(.)/g, "$1");
  if (token.kind === "number") return Number(token.value);
  if (!(token.value in variables)) throw malformed(`no value for ':${token.value}'`);
  return variables[token.value];
}

function malformed(what) {
  return new SyntaxError(`Malformed parameter: where: Syntax error while parsing 'where': ${what}`);
}
