// The command line of `npm run subscriptions`.

import { existsSync } from "node:fs";
import { parseArgs } from "node:util";

export const HELP = `Creates or updates the commercetools Subscriptions that feed the worker, or switches on the
Messages that it reads without a broker.

  npm run subscriptions [-- options]

  --file <path>   the file that describes them (subscriptions.json)
  --dry-run       say what would be done, and change nothing
  --delete        delete those that the file describes, by their keys
  --reconnect     send every destination again: with other secrets, or after a delivery stopped
  --recreate      where a format changed, delete the subscription and create it anew
  --messages      switch Messages on, and leave subscriptions alone; without subscriptions.json the
                  project is that of wrangler.toml
  --help          this text

CT_SUBSCRIPTIONS_CLIENT must hold the credentials of an API client with the scopes
manage_subscriptions:<projectKey> and view_project_settings:<projectKey>, as JSON
{"clientId":"…","secret":"…"}; for --messages it is manage_project:<projectKey> alone.
docs/realtime.md has the rest.`;

const SWITCHES = ["dry-run", "delete", "reconnect", "recreate", "messages", "help"];

/** No two of them make sense at once. */
const ALTERNATIVES = [
  ["delete", "reconnect"],
  ["delete", "recreate"],
  ["messages", "delete"],
  ["messages", "reconnect"],
  ["messages", "recreate"],
];

const FILE = "subscriptions.json";

/**
 * `{ options, problems }`, `options` with the names of the command line and `file`. Without the `--` between, npm
 * takes options for its own and hands them on in its variables: `npm run subscriptions --dry-run` would change
 * what it was only to show.
 */
export function readOptions(args, env = {}) {
  const options = {
    file: { type: "string" },
    ...Object.fromEntries(SWITCHES.map((name) => [name, { type: "boolean" }])),
  };
  const { values, tokens } = parseArgs({ args, options, strict: false, tokens: true });
  const problems = Object.keys(options)
    .filter((name) => env[`npm_config_${name.replaceAll("-", "_")}`])
    .map((name) => `npm took --${name} for itself: npm run subscriptions -- --${name}`);
  problems.push(...tokens.flatMap((token) => problemOf(token, options)));
  const given = tokens.filter(({ kind }) => kind === "option").map(({ rawName }) => rawName);
  const twice = given.filter((name, index) => given.indexOf(name) !== index);
  for (const name of new Set(twice)) problems.push(`${name}: is given twice`);
  for (const [one, other] of ALTERNATIVES) {
    if (values[one] && values[other]) problems.push(`--${one} and --${other} exclude each other`);
  }
  const file = values.messages && !existsSync(FILE) ? "wrangler.toml" : FILE;
  return { options: { file, ...values }, problems };
}

function problemOf({ kind, name, rawName, value }, options) {
  if (kind === "positional") return [`"${value}": only options are taken`];
  if (kind !== "option") return [];
  if (!(name in options)) return [`${rawName}: no such option`];
  const takesValue = options[name].type === "string";
  if (takesValue && !value) return [`${rawName}: a value is missing`];
  if (!takesValue && value !== undefined) return [`${rawName}: takes no value`];
  return [];
}
