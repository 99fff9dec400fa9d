// The file with the wanted subscriptions: read, checked, and completed with the worker's needs and
// the secrets it names. schema.json has the form.
//
// An environment variable holds a secret's value. No problem's text contains a secret or a piece of
// the file, since somebody may have put a secret there.

import { readFileSync } from "node:fs";
import Ajv from "ajv";
import { formatsOf, needsForwarder } from "./destinations.mjs";
import { DEFAULT_RESOURCES, resourcesFor, wanted } from "./wanted.mjs";

const SCHEMA = JSON.parse(readFileSync(new URL("schema.json", import.meta.url), "utf8"));
const SCHEMA_OF_PROJECT = { ...SCHEMA, required: ["commercetools"] };
const OPTIONS = { allErrors: true, discriminator: true, verbose: true };

/**
 * Reads the file at `path`. Gives `{ problems }`, or `{ commercetools, subscriptions, secrets }`:
 * each subscription as `{ key, draftFor, destination, forwarder }`, where `draftFor` gives, for the
 * catalogue model of the project, what commercetools is to hold, with the secrets from `env`, and
 * `destination` is without them; `secrets` are the values that must not be printed. Without
 * `needsSecrets` they stay out.
 */
export function readSubscriptions(path, env, { needsSecrets = true } = {}) {
  const read = parsed(path);
  if (read.problem) return { problems: [read.problem] };
  const file = read.value;
  const problems = schemaProblems(file);
  if (problems.length > 0) return { problems };
  const { commercetools, config } = file;
  const described = file.subscriptions;
  const inFull = described.map((each) => ({ resources: DEFAULT_RESOURCES, ...each }));
  const found = crossProblems(inFull, config);
  const named = described.flatMap(({ destination }) => secretsOf(destination));
  if (needsSecrets) found.push(...unset(named, env));
  if (found.length > 0) return { problems: found };
  return {
    commercetools,
    subscriptions: described.map((each) => completed(each, described, config, env)),
    secrets: named.map(([, { env: variable }]) => env[variable]).filter(Boolean),
  };
}

/**
 * Reads of which project the file at `path` is, or the worker's wrangler.toml. Gives `{ problems }`, or
 * `{ commercetools, secrets }` as above, with no secrets.
 */
export function readProject(path) {
  const read = path.endsWith(".toml") ? variables(path) : parsed(path);
  if (read.problem) return { problems: [read.problem] };
  const commercetools = read.value?.commercetools;
  const problems = schemaProblems({ commercetools }, SCHEMA_OF_PROJECT);
  return problems.length > 0 ? { problems } : { commercetools, secrets: [] };
}

function parsed(path) {
  const { text, problem } = textOf(path);
  if (problem)
    return { problem: `${problem}; subscriptions.example.json shows what it looks like` };
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { problem: `${path}: is no JSON; \`npx biome check ${path}\` shows where` };
  }
}

/** The project of the worker, as its wrangler.toml names it under `[vars]`. */
function variables(path) {
  const { text, problem } = textOf(path);
  if (problem) return { problem };
  const vars = text.split(/^\[/m).find((table) => table.startsWith("vars]")) ?? "";
  const value = (name) => new RegExp(`^${name}\\s*=\\s*["'](.*?)["']`, "m").exec(vars)?.[1];
  const named = { authUrl: "CT_AUTH_URL", apiUrl: "CT_API_URL", projectKey: "CT_PROJECT_ID" };
  const unset = Object.values(named).filter((name) => !value(name));
  if (unset.length > 0) return { problem: `${path}: set ${unset.join(", ")} under [vars]` };
  const members = Object.entries(named).map(([member, name]) => [member, value(name)]);
  return { value: { commercetools: Object.fromEntries(members) } };
}

function textOf(path) {
  try {
    return { text: readFileSync(path, "utf8") };
  } catch (error) {
    return { problem: `${path}: cannot be read (${error.code})` };
  }
}

function schemaProblems(file, schema = SCHEMA) {
  const validate = new Ajv(OPTIONS).compile(schema);
  if (validate(file)) return [];
  return [
    ...new Set(validate.errors.map((error) => `${memberAt(error.instancePath)}${why(error)}`)),
  ];
}

/** `/subscriptions/0/key` → `subscriptions[0].key: `. */
function memberAt(pointer) {
  const steps = pointer.split("/").slice(1);
  const path = steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join("");
  return path === "" ? "" : `${path.replace(/^\./, "")}: `;
}

function why({ keyword, params, parentSchema, message }) {
  switch (keyword) {
    case "required":
      return `"${params.missingProperty}" is missing`;
    case "additionalProperties":
      return `"${params.additionalProperty}" is not known here`;
    case "enum":
      return `must be one of ${params.allowedValues.join(", ")}`;
    case "pattern":
      return `must be ${parentSchema.description}`;
    case "discriminator":
      return `"type" must be one of ${typesOf(parentSchema).join(", ")}`;
    case "type":
      if (parentSchema.title !== "secret") return message;
      return 'must name an environment variable, as {"env": "NAME"}: secrets are not kept in the file';
    default:
      return message;
  }
}

const typesOf = ({ oneOf }) => oneOf.map(({ properties }) => properties.type.const);

/** What a schema cannot say. */
function crossProblems(subscriptions, config) {
  const problems = [];
  subscriptions.forEach(({ key, format, forwarder, destination, resources }, index) => {
    const problem = (text) => problems.push(`subscriptions[${index}]${text}`);
    const { type, authenticationMode } = destination;
    const earlier = subscriptions.slice(0, index);
    if (earlier.some((each) => each.key === key)) problem(`.key: "${key}" stands there twice`);
    for (const resource of resources) {
      const other = earlier.find((each) => each.resources.includes(resource));
      if (other) problem(`: ${resource} is in "${other.key}" as well, and would come twice`);
    }
    const { messages, changes } = wanted(resources, config);
    if (messages.length + changes.length === 0) problem(": config leaves nothing to subscribe to");
    if (format && !formatsOf(type).includes(format)) {
      problem(`.format: ${type} takes ${formatsOf(type).join(" and ")} only`);
    }
    if (needsForwarder(type) && !forwarder) {
      problem(`: "forwarder" is missing: ${type} pushes nothing, so name what posts to the worker`);
    }
    if (forwarder && !needsForwarder(type)) {
      problem(`.forwarder: ${type} pushes by itself and needs none`);
    }
    for (const member of authenticationMode ? ["accessKey", "accessSecret"] : []) {
      const given = member in destination;
      if (given === (authenticationMode === "Credentials")) continue;
      const verb = given ? "is not known with" : "is missing with";
      problem(`.destination: "${member}" ${verb} authenticationMode ${authenticationMode}`);
    }
  });
  return problems;
}

/** `[member, { env }]` of each secret of a destination. */
const secretsOf = (destination) =>
  Object.entries(destination).filter(([, value]) => typeof value === "object");

function unset(secrets, env) {
  const names = new Set(secrets.map(([, { env: variable }]) => variable));
  return [...names]
    .filter((variable) => !env[variable])
    .map((variable) => `${variable}: the file names this environment variable, which is not set`);
}

function completed(subscription, all, config, env) {
  const { key, destination, format, forwarder, resources } = subscription;
  const others = all.filter((each) => each !== subscription);
  const elsewhere = others.flatMap((each) => each.resources ?? []);
  const type = format ?? formatsOf(destination.type)[0];
  const secrets = secretsOf(destination);
  const values = secrets.map(([member, { env: variable }]) => [member, env[variable]]);
  const draftFor = (catalogModel) => ({
    key,
    destination: { ...destination, ...Object.fromEntries(values) },
    ...wanted(resourcesFor(catalogModel, resources, elsewhere), config),
    events: [],
    format: type === "CloudEvents" ? { type, cloudEventsVersion: "1.0" } : { type },
  });
  const hidden = new Set(secrets.map(([member]) => member));
  const open = Object.entries(destination).filter(([member]) => !hidden.has(member));
  return { key, draftFor, destination: Object.fromEntries(open), forwarder };
}
