// The file and the command line: errors come always as one list and before anything is done, and the examples in the
// repository have none.

import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { readSubscriptions } from "../../scripts/subscriptions/file.mjs";
import { EXAMPLES, SECRETS, startProject, withProject } from "./harness.mjs";

const PUBSUB = EXAMPLES["Pub/Sub"];
const SNS = EXAMPLES["SNS with a role"];
const GRID = EXAMPLES["Event Grid"];
const changed = (example, destination) => ({
  ...example,
  destination: { ...example.destination, ...destination },
});
const without = (example, member) => {
  const { [member]: _left, ...destination } = example.destination;
  return { ...example, destination };
};

/** What the file holds, and the one problem it has. `hidden-…` values must not be quoted, which `run` checks. */
const REFUSED = [
  ["no subscription", [], {}, "subscriptions: must NOT have fewer than 1 items"],
  ["an unknown member at the top", [PUBSUB], { subs: [] }, '"subs" is not known here'],
  [
    "an unknown member",
    [{ ...PUBSUB, types: [] }],
    {},
    'subscriptions[0]: "types" is not known here',
  ],
  [
    "a member of another destination type",
    [changed(PUBSUB, { queueUrl: "x" })],
    {},
    'subscriptions[0].destination: "queueUrl" is not known here',
  ],
  ["no destination", [{}], {}, 'subscriptions[0]: "destination" is missing'],
  ["a bad key", [{ ...PUBSUB, key: "a b" }], {}, "subscriptions[0].key: must be 2 to 256 letters"],
  [
    "a missing member",
    [without(PUBSUB, "topic")],
    {},
    'subscriptions[0].destination: "topic" is missing',
  ],
  ["an empty member", [changed(PUBSUB, { topic: "" })], {}, "subscriptions[0].destination.topic: "],
  [
    "no type",
    [without(PUBSUB, "type")],
    {},
    'subscriptions[0].destination: "type" must be one of GoogleCloudPubSub, SNS, SQS',
  ],
  [
    "a type that commercetools does not have",
    [changed(PUBSUB, { type: "HTTP" })],
    {},
    'subscriptions[0].destination: "type" must be one of ',
  ],
  [
    "a fifo topic",
    [changed(SNS, { topicArn: `${SNS.destination.topicArn}.fifo` })],
    {},
    "subscriptions[0].destination.topicArn: must be the ARN of a standard topic",
  ],
  [
    "one key twice",
    [
      { ...PUBSUB, resources: ["order"] },
      { ...SNS, resources: ["customer"] },
    ],
    {},
    'subscriptions[1].key: "klaviyo" stands there twice',
  ],
  [
    "a resource type twice",
    [
      { ...PUBSUB, resources: ["order"] },
      { ...SNS, key: "two", resources: ["order", "customer"] },
    ],
    {},
    'subscriptions[1]: order is in "klaviyo" as well, and would come twice',
  ],
  [
    "an unknown resource type",
    [{ ...PUBSUB, resources: ["cart"] }],
    {},
    "subscriptions[0].resources[0]: must be one of customer, order",
  ],
  [
    "an unknown format",
    [{ ...PUBSUB, format: "JSON" }],
    {},
    "subscriptions[0].format: must be one of Platform, CloudEvents",
  ],
  [
    "the format that Event Grid does not take",
    [{ ...GRID, format: "Platform" }],
    {},
    "subscriptions[0].format: EventGrid takes CloudEvents only",
  ],
  [
    "a queue without a forwarder",
    [{ destination: EXAMPLES["SQS with a role"].destination }],
    {},
    'subscriptions[0]: "forwarder" is missing: SQS pushes nothing',
  ],
  [
    "a forwarder that is not needed",
    [{ ...PUBSUB, forwarder: "a function" }],
    {},
    "subscriptions[0].forwarder: GoogleCloudPubSub pushes by itself",
  ],
  [
    "a secret in the file",
    [changed(GRID, { accessKey: SECRETS.GRID_KEY })],
    {},
    "subscriptions[0].destination.accessKey: must name an environment variable",
  ],
  [
    "a secret in place of a variable's name",
    [changed(GRID, { accessKey: { env: SECRETS.GRID_KEY } })],
    {},
    "subscriptions[0].destination.accessKey.env: must be the name of an environment variable",
  ],
  [
    "a variable that is not set",
    [changed(GRID, { accessKey: { env: "NOT_SET" } })],
    {},
    "NOT_SET: the file names this environment variable, which is not set",
  ],
  [
    "credentials without a secret",
    [without(EXAMPLES["SNS with credentials"], "accessSecret")],
    {},
    'subscriptions[0].destination: "accessSecret" is missing with authenticationMode Credentials',
  ],
  [
    "a key beside a role",
    [changed(SNS, { accessKey: { env: "AWS_KEY" } })],
    {},
    'subscriptions[0].destination: "accessKey" is not known with authenticationMode IAM',
  ],
  [
    "a misspelt list in config",
    [PUBSUB],
    { config: { order: { messages: { create: [] } } } },
    'config.order.messages: "create" is not known here',
  ],
  [
    "a misspelt section of config",
    [PUBSUB],
    { config: { orders: {} } },
    'config: "orders" is not known here',
  ],
  [
    "nothing to subscribe to",
    [{ ...PUBSUB, resources: ["payment"] }],
    { config: { payment: { messages: { transactionAdded: [], transactionChanged: [] } } } },
    "subscriptions[0]: config leaves nothing to subscribe to",
  ],
  [
    "a catalogue model that there is none of",
    [PUBSUB],
    { catalogModel: "modular" },
    "commercetools.catalogModel: must be one of Classic, InMigration, Modular",
  ],
  [
    "an address without https",
    [PUBSUB],
    { commercetools: { authUrl: "https://a", apiUrl: "http://b", projectKey: "shop" } },
    "commercetools.apiUrl: must be an https address without a path",
  ],
  [
    "an address with a path",
    [PUBSUB],
    { commercetools: { authUrl: "https://a/oauth", apiUrl: "https://b", projectKey: "shop" } },
    "commercetools.authUrl: must be an https address without a path",
  ],
];

/** The one problem of a run that is refused, and that nothing was asked of commercetools. */
async function problemsOf(project, args, env) {
  const { lines, error } = await project.run(args, env);
  assert.deepEqual([lines, project.sandbox.requests.length], [[], 0]);
  const [head, ...problems] = error.split("\n");
  assert.equal(head, "nothing was done:");
  return problems.map((line) => line.trim());
}

describe("refused, with nothing asked of commercetools", () => {
  let project;
  before(async () => {
    project = await startProject();
  });
  after(() => project.close());

  for (const [name, subscriptions, rest, expected] of REFUSED) {
    test(name, async () => {
      project.describe(subscriptions, rest);
      const problems = await problemsOf(project);
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.ok(problems[0].startsWith(expected), problems[0]);
    });
  }

  const OPTIONS = [
    [["--dry"], "--dry: no such option"],
    [["--dry-run=yes"], "--dry-run: takes no value"],
    [["klaviyo"], '"klaviyo": only options are taken'],
    [["--dry-run", "--dry-run"], "--dry-run: is given twice"],
    [["--delete", "--recreate"], "--delete and --recreate exclude each other"],
    [["--delete", "--reconnect"], "--delete and --reconnect exclude each other"],
  ];
  for (const [args, expected] of OPTIONS) {
    test(args.join(" "), async () => {
      project.describe(PUBSUB);
      assert.deepEqual(await problemsOf(project, args), [expected]);
    });
  }

  const CLIENTS = [
    [undefined, "CT_SUBSCRIPTIONS_CLIENT: this environment variable is not set"],
    ["sandbox-secret", "CT_SUBSCRIPTIONS_CLIENT: must be JSON"],
    ['{"clientId":"a","clientSecret":"sandbox-secret"}', "CT_SUBSCRIPTIONS_CLIENT: must be JSON"],
  ];
  for (const [CT_SUBSCRIPTIONS_CLIENT, expected] of CLIENTS) {
    test(`the credentials ${CT_SUBSCRIPTIONS_CLIENT}`, async () => {
      project.describe(PUBSUB);
      const [problem, ...others] = await problemsOf(project, [], { CT_SUBSCRIPTIONS_CLIENT });
      assert.ok(problem.startsWith(expected), problem);
      assert.deepEqual(others, []);
    });
  }

  test("no file, and one that is no JSON: without quoting it", async () => {
    rmSync(project.path, { force: true });
    const [missing] = await problemsOf(project);
    assert.match(missing, /cannot be read \(ENOENT\); subscriptions\.example\.json shows/);
    project.write(`{\n  "accessKey": ${SECRETS.GRID_KEY}\n}`);
    assert.match(
      (await problemsOf(project))[0],
      /subscriptions\.json: is no JSON; `npx biome check /,
    );
    project.write("null");
    assert.match((await problemsOf(project))[0], /must be object/);
  });

  test("everything at once, in one list", async () => {
    project.describe([{ ...PUBSUB, key: "a b" }, { destination: { type: "HTTP" } }], { x: 1 });
    const env = { CT_SUBSCRIPTIONS_CLIENT: undefined };
    assert.equal((await problemsOf(project, ["--no"], env)).length, 5);
  });
});

describe("the examples in the repository are accepted", () => {
  test("subscriptions.example.json", () => {
    const { subscriptions, problems } = readSubscriptions("subscriptions.example.json", {});
    assert.equal(problems, undefined);
    assert.equal(subscriptions.length, 1);
  });

  const page = readFileSync("docs/realtime.md", "utf8");
  const blocks = [...page.matchAll(/^```json\n(.*?)^```/gms)].map(([, text]) => JSON.parse(text));
  const written = blocks.filter(({ destination }) => destination);
  const types = new Set(Object.values(EXAMPLES).map(({ destination }) => destination.type));

  test("docs/realtime.md has one of each destination type", () => {
    assert.deepEqual(new Set(written.map(({ destination }) => destination.type)), types);
  });

  for (const subscription of written) {
    test(`docs/realtime.md: ${subscription.destination.type}`, async () => {
      await withProject(async (project) => {
        project.describe(subscription);
        const named = Object.values(subscription.destination).flatMap(({ env }) => env ?? []);
        const env = Object.fromEntries(named.map((name) => [name, `value of ${name}`]));
        const { lines, error } = await project.run([], env);
        assert.equal(error, null);
        assert.match(lines[0], /^created/);
      });
    });
  }
});
