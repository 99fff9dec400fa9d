// The installer of subscriptions from its command line to its last line of output. Its environment, its output and its
// way of waiting are arguments.

import { Failure } from "../lib/run.mjs";
import {
  CREDENTIALS,
  createClient,
  createProject,
  fetchToken,
  readCatalogModel,
  WHOLE_PROJECT,
} from "./client.mjs";
import { described, nextStep, whatToCheck } from "./destinations.mjs";
import { readProject, readSubscriptions } from "./file.mjs";
import { ailment } from "./health.mjs";
import { install, persistently, uninstall } from "./install.mjs";
import { switchOnMessages } from "./messages.mjs";
import { HELP, readOptions } from "./options.mjs";

/**
 * Does what the arguments ask for and prints a line for each subscription. Throws a Failure if
 * anything was refused or failed; what was done before stays done.
 */
export async function installSubscriptions(args, { env, print, wait }) {
  const { options, problems } = readOptions(args, env);
  if (options.help) return print(HELP);
  const { credentials, problem } = readCredentials(env[CREDENTIALS]);
  const file = options.messages
    ? readProject(options.file)
    : readSubscriptions(options.file, env, { needsSecrets: !options.delete });
  problems.push(...(problem ? [problem] : []), ...(file.problems ?? []));
  if (problems.length > 0) {
    throw new Failure(`nothing was done:\n${problems.map((each) => `  ${each}`).join("\n")}`);
  }
  const hide = hiding([credentials.secret, ...file.secrets]);
  try {
    const work = options.messages ? enableMessages : carryOut;
    await work(file, credentials, { options, wait, say: (line) => print(hide(line)) });
  } catch (error) {
    throw error instanceof Failure ? new Failure(hide(error.message)) : error;
  }
}

/** Gives `{ credentials }` or a `{ problem }`, which does not quote them. */
function readCredentials(text) {
  const problem = (why) => ({ problem: `${CREDENTIALS}: ${why}` });
  if (!text) return problem("this environment variable is not set");
  try {
    const { clientId, secret } = JSON.parse(text);
    if (clientId && secret) return { credentials: { clientId, secret } };
  } catch {
    // Said below: the parser's own message would quote the secret.
  }
  return problem('must be JSON {"clientId":"…","secret":"…"}');
}

/** Replaces secrets in a text: commercetools' own words may quote an access key. */
function hiding(secrets) {
  const parts = secrets.flatMap((secret) => [secret, /SharedAccessKey=([^;]+)/.exec(secret)?.[1]]);
  const known = parts.filter(Boolean).sort((a, b) => b.length - a.length);
  return (text) => known.reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
}

async function carryOut({ commercetools, subscriptions }, credentials, { options, wait, say }) {
  const token = await persistently(wait, () => fetchToken(commercetools, credentials));
  const client = createClient(commercetools, token);
  const model = options.delete ? undefined : await catalogModel(commercetools, credentials, wait);
  if (model === null) say(unknownModel(commercetools));
  const context = { ...options, dryRun: options["dry-run"], ...commercetools, client, wait, say };
  const work = options.delete ? remove : bring;
  const failed = [];
  for (const subscription of subscriptions) {
    try {
      await work({ ...subscription, draft: subscription.draftFor(model) }, context);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      say(`failed     ${subscription.key}: ${error.message}`);
      failed.push(subscription.key);
    }
  }
  if (failed.length > 0) throw new Failure(`not as the file says: ${failed.join(", ")}`);
}

async function enableMessages({ commercetools }, credentials, { options, wait, say }) {
  const token = await persistently(wait, () =>
    fetchToken(commercetools, credentials, WHOLE_PROJECT),
  );
  const how = { dryRun: options["dry-run"], wait };
  const { done, days } = await switchOnMessages(createProject(commercetools, token), how);
  const kept = `kept for ${days} ${days === 1 ? "day" : "days"}`;
  if (done === "enabled") say(`${begin("enabled", how)} messages: ${kept}`);
  else say(`unchanged  messages: on, ${kept}`);
}

/** What the file says, else what the project says, else null. */
async function catalogModel(commercetools, credentials, wait) {
  if (commercetools.catalogModel) return commercetools.catalogModel;
  return persistently(wait, () => readCatalogModel(commercetools, credentials));
}

function unknownModel({ projectKey }) {
  return `note       the project may not be read, so variants are subscribed to as in a Classic one: not at all. Give the API client of ${CREDENTIALS} the scope view_project_settings:${projectKey}, or say in the file which "catalogModel" the project has`;
}

async function bring(subscription, { client, projectKey, say, ...how }) {
  const { key, destination } = subscription;
  const { done, comparison, status } = await install(client, subscription, how).catch((error) => {
    if (error.code !== "destination_refused") throw error;
    throw new Failure(`${error.message}. Check that ${whatToCheck(destination.type)}`);
  });
  switch (done) {
    case "created":
      say(`${begin("created", how)} ${key}: to ${described(destination)}`);
      break;
    case "updated":
      say(`${begin("updated", how)} ${key}: ${comparison.parts.join(", ")}`);
      break;
    case "replaced":
      say(
        `${begin("recreated", how)} ${key}: format ${comparison.from} becomes ${comparison.to}. What happens in between is not delivered: import with "since"`,
      );
      break;
    case "refused":
      throw new Failure(
        `its format is ${comparison.from}, and commercetools cannot make it ${comparison.to}. --recreate deletes it and creates it anew; what happens in between is not delivered (format_differs)`,
      );
    case "kept":
      say(`unchanged  ${key}`);
      if (ailment(status)) say(`warning    ${key}: ${ailment(status)}`);
  }
  const next = nextStep(subscription, projectKey);
  if (next) say(`note       ${key}: ${next}`);
}

async function remove({ key }, { client, say, ...how }) {
  const done = await uninstall(client, key, how);
  if (done === "deleted") say(`${begin("deleted", how)} ${key}`);
  else say(`unchanged  ${key}: there is none`);
}

const INFINITIVES = {
  created: "create",
  updated: "update",
  recreated: "recreate",
  deleted: "delete",
  enabled: "enable",
};

const begin = (done, { dryRun }) => (dryRun ? `would ${INFINITIVES[done]}` : done.padEnd(10));
