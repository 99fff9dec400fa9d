// The shared parts of the installer's tests: a commercetools sandbox whose API client may only manage subscriptions and
// read the project, one example of each destination type, and a way to run the installer in this process that records
// its output and its waits.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCommercetools } from "../../sandbox/commercetools/server.mjs";
import { Failure } from "../../scripts/lib/run.mjs";
import { installSubscriptions } from "../../scripts/subscriptions/main.mjs";
import { connect } from "../sandbox/commercetools-client.mjs";

/** The values of the environment variables that the examples name. None may ever be printed. */
export const SECRETS = {
  AWS_KEY: "AKIA-hidden-key",
  AWS_SECRET: "hidden-aws-secret",
  GRID_KEY: "hidden-grid-key",
  BUS: "Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=hidden-bus-key;EntityPath=klaviyo",
  KAFKA_KEY: "hidden-kafka-key",
  KAFKA_SECRET: "hidden-kafka-secret",
};

const HIDDEN = [...Object.values(SECRETS), "hidden-bus-key", "sandbox-secret"];

const QUEUE = "https://sqs.eu-central-1.amazonaws.com/123456789012/klaviyo";
const ACCESS = { accessKey: { env: "AWS_KEY" }, accessSecret: { env: "AWS_SECRET" } };

/** A subscription of each destination type, as in the file. */
export const EXAMPLES = {
  "Pub/Sub": {
    destination: { type: "GoogleCloudPubSub", projectId: "shop", topic: "klaviyo" },
  },
  "SNS with a role": {
    destination: {
      type: "SNS",
      topicArn: "arn:aws:sns:eu-central-1:123456789012:klaviyo",
      authenticationMode: "IAM",
    },
  },
  "SNS with credentials": {
    destination: {
      type: "SNS",
      topicArn: "arn:aws:sns:eu-central-1:123456789012:klaviyo",
      authenticationMode: "Credentials",
      ...ACCESS,
    },
  },
  "SQS with a role": {
    destination: {
      type: "SQS",
      queueUrl: QUEUE,
      region: "eu-central-1",
      authenticationMode: "IAM",
    },
    forwarder: "the Lambda function klaviyo-forwarder",
  },
  "SQS with credentials": {
    destination: {
      type: "SQS",
      queueUrl: QUEUE,
      region: "eu-central-1",
      authenticationMode: "Credentials",
      ...ACCESS,
    },
    forwarder: "the Lambda function klaviyo-forwarder",
  },
  EventBridge: {
    destination: { type: "EventBridge", accountId: "123456789012", region: "eu-central-1" },
  },
  "Event Grid": {
    destination: {
      type: "EventGrid",
      uri: "https://klaviyo.westeurope-1.eventgrid.azure.net/api/events",
      accessKey: { env: "GRID_KEY" },
    },
  },
  "Service Bus": {
    destination: { type: "AzureServiceBus", connectionString: { env: "BUS" } },
    forwarder: "the Azure function klaviyo-forwarder",
  },
  "Confluent Cloud": {
    destination: {
      type: "ConfluentCloud",
      bootstrapServer: "pkc-1abc2.eu-central-1.aws.confluent.cloud:9092",
      topic: "klaviyo",
      acks: "all",
      apiKey: { env: "KAFKA_KEY" },
      apiSecret: { env: "KAFKA_SECRET" },
    },
  },
};

/** Starts a project, which is to be closed; `options` are those of the sandbox. */
export async function startProject(options = {}) {
  const scopes = ["manage_subscriptions", "view_project_settings"];
  const sandbox = await startCommercetools({ scopes, ...options });
  const folder = mkdtempSync(join(tmpdir(), "subscriptions-"));
  return {
    ...projectIn(sandbox, folder),
    async close() {
      rmSync(folder, { recursive: true });
      await sandbox.close();
    },
  };
}

/** Calls `work` with a project of its own. */
export async function withProject(work, options) {
  const project = await startProject(options);
  try {
    await work(project);
  } finally {
    await project.close();
  }
}

function projectIn(sandbox, folder) {
  const { clientId, secret, authUrl, apiUrl } = sandbox.credentials;
  const { projectKey } = sandbox;
  const commercetools = { authUrl, apiUrl, projectKey };
  const environment = { ...SECRETS, CT_SUBSCRIPTIONS_CLIENT: JSON.stringify({ clientId, secret }) };
  const path = join(folder, "subscriptions.json");
  return {
    sandbox,
    path,
    environment,
    /** Writes the file: these subscriptions, each with the key "klaviyo" unless it has one. */
    describe(subscriptions, { catalogModel, ...rest } = {}) {
      const keyed = [subscriptions].flat().map((each) => ({ key: "klaviyo", ...each }));
      const project = { ...commercetools, ...(catalogModel && { catalogModel }) };
      writeFileSync(
        path,
        JSON.stringify({ commercetools: project, subscriptions: keyed, ...rest }),
      );
    },
    write: (text) => writeFileSync(path, text),
    /** Runs the installer; `file` is another one than that which is written here. */
    run: (args = [], env = {}, file = path) =>
      run(["--file", file, ...args], { ...environment, ...env }),
    /** What the project holds, as a client reads it. */
    async present() {
      const get = await connect(sandbox);
      return (await get("subscriptions")).body.results;
    },
    /** What the project holds in truth, with secrets. */
    stored: ({ id }) => sandbox.get("subscription", id),
    /** Writes that the installer made. */
    writes: () =>
      sandbox.requests
        .filter(({ method, path }) => method !== "GET" && path !== "/oauth/token")
        .map(({ method }) => method),
  };
}

/** Gives `{ lines, error, waits }`; `error` is the message of a Failure. Fails if a secret was printed. */
async function run(args, env) {
  const lines = [];
  const waits = [];
  let error = null;
  const print = (line) => lines.push(line);
  const wait = async (ms) => waits.push(ms);
  try {
    await installSubscriptions(args, { env, print, wait });
  } catch (caught) {
    if (!(caught instanceof Failure)) throw caught;
    error = caught.message;
  }
  const printed = [...lines, error].join("\n");
  for (const secret of HIDDEN) assert.ok(!printed.includes(secret), printed);
  return { lines, error, waits };
}
