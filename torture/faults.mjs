// The faults, a closed list, and how long each lasts.
//
// A fault is either `rules` of the two sandboxes (answers that are late, wrong or missing), an `act` at a moment (a
// kill), or a state that `begin`s and ends (a wrong key). `where` says what it hits. Not here: the work meanwhile
// (ways.mjs).

import { eventually } from "../tests/eventually.mjs";
import { shiftWorker } from "./clock.mjs";

/** What a broken system or a proxy may say: the worker must repeat none of it. */
const TELLTALE = "Telltaleqx";

const BOTH = "both systems";

/** The text of an error that quotes whom it is about, in the form of both systems. */
const quoting = (status, code, [email]) => ({
  statusCode: status,
  message: `${TELLTALE} ${email}`,
  errors: [{ status, code, title: TELLTALE, detail: `${TELLTALE} ${email}`, message: TELLTALE }],
});

const throttled = (headers) => (values) => [
  { status: 429, headers, body: quoting(429, "throttled", values) },
];

export const FAULTS = {
  latency: { where: BOTH, rules: () => [{ latencyMs: 2_500 }] },
  "429 with Retry-After": { where: BOTH, rules: throttled({ "retry-after": "2" }) },
  "429 without": { where: BOTH, rules: throttled({}) },
  // Half of them take effect although they are answered so.
  "5xx": {
    where: BOTH,
    rules: (values) =>
      [500, 502, 503, 504].flatMap((status, n) => [
        { status, after: n % 2 === 1, body: quoting(status, "error", values), share: 1 / (4 - n) },
      ]),
  },
  "reset before": { where: BOTH, rules: () => [{ reset: true }] },
  "reset after": { where: BOTH, rules: () => [{ reset: true, after: true }] },
  truncated: { where: BOTH, rules: () => [{ cut: true }] },
  // The page of a proxy, JSON of somebody else, and half of a document that looks whole.
  foreign: {
    where: BOTH,
    rules: (values) => [
      { status: 200, body: `<html>${TELLTALE} ${values[0]}</html>`, share: 1 / 3 },
      { status: 200, body: { ok: true, who: values[0] }, share: 1 / 2 },
      { status: 404, body: `{"data":{"id":"${TELLTALE}`, share: 1 },
    ],
  },
  "token expired": {
    where: "commercetools",
    act: ({ commercetools }) => commercetools.expireTokens(),
  },
  "token revoked": {
    where: "commercetools",
    act: ({ commercetools }) => commercetools.revokeTokens(),
  },
  "key wrong, then right": { where: BOTH, begin: wrongKeys },
  SIGKILL: { where: "the Worker", act: ({ kill }) => kill() },
  upgrade: { where: "the Worker", act: (stack, n) => stack.kill({ as: otherVersion(stack, n) }) },
  // An hour ahead, and every second time 15 s back.
  "clock of the Worker": {
    where: "the Worker",
    act: (stack, n) => shiftWorker(stack, n % 2 === 0 ? 3_600_000 : -15_000),
  },
  "clock of commercetools": {
    where: "commercetools",
    // Ahead, and back again: within what the feed looks behind (`CONFIG.feed.overlapSeconds`).
    act: ({ clock }, n) => {
      clock.shiftMs = n % 2 === 0 ? 120_000 : 0;
    },
  },
};

/** All that the answers of a fault say and the worker must not repeat. */
export const telltales = [TELLTALE];

/** How long: the acts of it with the pause after each, or for how long a state or rules hold, with which share of calls. */
export const LENGTHS = {
  once: { times: 1, spreadMs: 0 },
  bursts: { bursts: 3, holdsMs: 2_000, pauseMs: 1_500, share: 0.5, acts: 3, spreadMs: 9_000 },
  minute: { bursts: 1, holdsMs: 60_000, pauseMs: 0, share: 1, acts: 8, spreadMs: 55_000 },
};

/**
 * Suffers a fault while work goes on; gives how often it acted so far, as a function, and the end of it. `values`
 * are personal values that its answers may quote.
 */
export async function suffer(stack, fault, length, values) {
  if (fault.act) return acts(stack, fault, length);
  const begin = fault.begin ?? ((all, options) => addRules(all, fault.rules(values), options));
  const hits = [];
  const ends = [];
  for (let burst = 0; burst < (length.bursts ?? 1); burst += 1) {
    const state = begin(stack, length);
    hits.push(state.hits);
    if (length.times) {
      // It ends by itself, or with the work: a state once somebody has met it.
      if (fault.begin) await eventually("somebody to meet it", state.hits, Boolean).then(state.end);
      else ends.push(state.end);
      continue;
    }
    await pause(length.holdsMs);
    state.end();
    await pause(length.pauseMs);
  }
  const sum = () => hits.reduce((total, one) => total + one(), 0);
  const endAll = () => {
    for (const end of ends) end();
  };
  return { hits: sum, end: endAll };
}

async function acts(stack, { act }, { acts: times = 1, holdsMs = 0, bursts = 1 }) {
  for (let n = 0; n < times; n += 1) {
    await act(stack, n);
    if (n + 1 < times) await pause((holdsMs * bursts) / times);
  }
  return { hits: () => times, end() {} };
}

/** The same rules at both systems, each with its share of the calls that the ones before left. */
function addRules({ klaviyo, commercetools }, rules, { times, share = 1 }) {
  const added = [klaviyo, commercetools].flatMap(({ faults }) => {
    if (times) return [faults.add({ ...withoutShare(rules[0]), times })];
    const probability = (rule, n) =>
      n === 0 ? share * (rule.share ?? 1) : (rule.share ?? 1) * share;
    return rules.map((rule, n) =>
      faults.add({ ...withoutShare(rule), probability: probability(rule, n) }),
    );
  });
  return {
    hits: () => added.reduce((total, one) => total + one.hits(), 0),
    end() {
      for (const remove of added) remove();
    },
  };
}

const withoutShare = ({ share: _, ...rule }) => rule;

/** Somebody changed the key at Klaviyo and the secret at commercetools, and puts both right. */
function wrongKeys({ klaviyo, commercetools }) {
  const { key } = klaviyo.settings;
  klaviyo.settings.key = "pk_somebody_elses_0123456789abcdef0123";
  commercetools.revokeTokens();
  const refused = commercetools.faults.add({
    path: "/oauth/token",
    status: 401,
    body: { statusCode: 401, message: "invalid_client", errors: [{ code: "invalid_client" }] },
  });
  const before = klaviyo.requests.length;
  return {
    hits: () =>
      refused.hits() + klaviyo.requests.slice(before).filter(({ status }) => status === 401).length,
    end() {
      klaviyo.settings.key = key;
      refused();
    },
  };
}

/**
 * What is different after a deployment: the settings, the date of compatibility, and the build, if there is another
 * (`EARLIER_BUILD`, a folder like build/); the second one goes back.
 */
function otherVersion({ settings }, n) {
  const isNew = n % 2 === 0;
  const pageSize = isNew ? 25 : 10;
  const config = { ...JSON.parse(settings.CONFIG), import: { pageSize } };
  return {
    settings: { ...settings, CONFIG: JSON.stringify(config) },
    compatibilityDate: isNew ? "2026-03-01" : undefined,
    build: isNew ? undefined : process.env.EARLIER_BUILD,
  };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
