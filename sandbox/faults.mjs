// Faults on demand for the development servers: latency, error answers, reset sockets, silence.
//
// For: any `node:http` server of the sandbox. The server calls `apply(req, res, "before")` after it
// has read a request, and `apply(req, res, "after")` after the effect, before the reply. If the
// result is truthy, the request is done and the server must not reply.
// Not for: the meaning of an endpoint. A rule sees only the method and the path.
//
// A rule:
//   method       only this HTTP method
//   path         only paths that start with this string, or match this RegExp (without the query)
//   times        how often the rule acts (default: without end); after that it is removed
//   probability  0..1, drawn from the `random` given to createFaults
//   latencyMs    wait first; alone, the request then goes on as usual
//   jitterMs     the same, for a time from none to twice this, drawn from `random`
//   until        a promise: wait for it first; alone, the request then goes on as usual
//   status       answer with this status, `headers` and `body` (a string, or a value sent as JSON)
//   reset        true: reset the connection
//   hang         true: never answer
//   after        true: act after the effect took place (a reply lost after the write)
//   cut          true: send half of the answer, then reset the connection

const RULE_KEYS = new Set([
  "method",
  "path",
  "times",
  "probability",
  "latencyMs",
  "jitterMs",
  "until",
  "status",
  "headers",
  "body",
  "reset",
  "hang",
  "after",
  "cut",
]);

/** Rules in the order in which they were added; the first one that ends the request wins. */
export function createFaults({ random = seededRandom(1) } = {}) {
  const rules = [];

  /** Gives what takes the rule away; its member `hits()` says how often it has acted. */
  function add(rule) {
    const entry = { ...checked(rule), hits: 0 };
    rules.push(entry);
    return Object.assign(() => remove(entry), { hits: () => entry.hits });
  }

  function remove(entry) {
    const index = rules.indexOf(entry);
    if (index >= 0) rules.splice(index, 1);
  }

  function clear() {
    rules.length = 0;
  }

  /** Returns false, or what became of the request: "status", "reset" or "hang". */
  async function apply(req, res, phase = "before") {
    if (rules.length === 0) return false;
    const path = req.url.split("?", 1)[0];
    const candidates = rules.filter((rule) => matches(rule, req.method, path, phase));
    for (const rule of candidates) {
      if (!rules.includes(rule)) continue; // spent or removed while an earlier rule waited
      if (rule.probability !== undefined && random() >= rule.probability) continue;
      rule.hits += 1;
      if (rule.hits >= rule.times) remove(rule);
      if (rule.latencyMs) await delay(rule.latencyMs);
      if (rule.jitterMs) await delay(2 * rule.jitterMs * random());
      await rule.until;
      const outcome = end(rule, req, res);
      if (outcome) return outcome;
    }
    return false;
  }

  return { add, clear, rules, apply };
}

/** A small deterministic generator (mulberry32): a run with probabilities can be repeated. */
export function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// A rule that can never act is a mistake of the test that adds it.
function checked(rule) {
  for (const key of Object.keys(rule)) {
    if (!RULE_KEYS.has(key)) throw new TypeError(`A fault rule knows no "${key}"`);
  }
  const acts = ["latencyMs", "jitterMs", "until", "status", "reset", "hang", "cut"];
  if (!acts.some((name) => rule[name])) {
    throw new TypeError(`A fault rule needs one of ${acts.join(", ")}`);
  }
  return rule;
}

function matches(rule, method, path, phase) {
  if (Boolean(rule.after) !== (phase === "after")) return false;
  if (rule.method && rule.method !== method) return false;
  if (rule.path === undefined) return true;
  if (typeof rule.path === "string") return path.startsWith(rule.path);
  return path.search(rule.path) >= 0; // unlike `test`, not led astray by a /g expression
}

function end(rule, req, res) {
  if (rule.reset) {
    req.socket.resetAndDestroy();
    return "reset";
  }
  if (rule.hang) return "hang";
  if (rule.cut) cutShort(req, res);
  if (!rule.status) return false;
  const isText = rule.body === undefined || typeof rule.body === "string";
  const headers = isText ? {} : { "content-type": "application/json" };
  res.writeHead(rule.status, { ...headers, ...rule.headers });
  res.end(isText ? rule.body : JSON.stringify(rule.body));
  return "status";
}

/** What the server is about to answer breaks off in the middle of its body. */
function cutShort(req, res) {
  const { end } = res;
  res.end = (body = "") => {
    const bytes = Buffer.from(body);
    if (bytes.length < 2) return end.call(res, body);
    res.write(bytes.subarray(0, bytes.length >> 1), () => req.socket.resetAndDestroy());
    return res;
  };
}

function delay(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
