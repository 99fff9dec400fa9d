// The parts of Subscriptions that the mock lacks: the checks of a draft, update actions, the test
// message of a new destination, the resource type `variant`, and hidden secrets in answers.
// https://docs.commercetools.com/api/projects/subscriptions
//
// Not here: delivery, and whether a message type exists. As in the mock, a message can be delivered
// to any destination except an SQS queue of the account 0000000000.

import { apiError } from "./errors.mjs";

const HIDDEN = "****";

/** The members that a destination must have, and those that are hidden on retrieval. */
const DESTINATIONS = {
  GoogleCloudPubSub: { required: ["projectId", "topic"] },
  SNS: { required: ["topicArn"], secrets: ["accessSecret"], aws: true },
  SQS: { required: ["queueUrl", "region"], secrets: ["accessSecret"], aws: true },
  EventBridge: { required: ["accountId", "region"] },
  EventGrid: { required: ["uri", "accessKey"], secrets: ["accessKey"] },
  AzureServiceBus: { required: ["connectionString"] },
  ConfluentCloud: {
    required: ["bootstrapServer", "apiKey", "apiSecret", "acks", "topic"],
    secrets: ["apiKey", "apiSecret"],
  },
};

/** The refusal of a creation or an update, or null. `known` are the subscriptions there are. */
export function refuseSubscription({ body, creates, known }) {
  const draft = JSON.parse(body.toString() || "{}");
  if (!creates) {
    const actions = draft.actions ?? [];
    const changed = actions.filter(({ action }) => action === "changeDestination");
    return refusals(changed.map(({ destination }) => refuseDestination(destination)));
  }
  return refusals([
    refuseDestination(draft.destination),
    refuseFormat(draft),
    refuseKey(draft.key, known),
    refuseNothing(draft),
  ]);
}

/** Gives the mock's repository the actions that it does not have, and an EventBridge its source. */
export function completeSubscriptions(repository) {
  Object.assign(repository.actions, {
    setMessages: (_context, subscription, { messages = [] }) => {
      subscription.messages = messages;
    },
    setChanges: (_context, subscription, { changes = [] }) => {
      subscription.changes = changes;
    },
    setEvents: (_context, subscription, { events = [] }) => {
      subscription.events = events;
    },
    changeDestination: ({ projectKey }, subscription, { destination }) => {
      subscription.destination = stored(destination, projectKey, subscription.key);
    },
  });
  const { draftSchema } = repository;
  repository.draftSchema = { safeParse: (draft) => draftSchema.safeParse(asBefore(draft)) };
  const create = repository.create.bind(repository);
  repository.create = (context, draft) => {
    const destination = stored(draft.destination, context.projectKey, draft.key);
    return create(context, { ...draft, destination });
  };
}

/** The body of an answer, with the secrets of every destination in it hidden. */
export function hideSecrets(body) {
  return JSON.stringify(JSON.parse(body.toString()), (name, value) =>
    name === "destination" ? hidden(value) : value,
  );
}

/** The draft as the mock's schema knows it, which is older than the resource type `variant`. */
function asBefore({ messages, changes, ...draft }) {
  const known = (list) =>
    Array.isArray(list) ? list.filter((each) => each?.resourceTypeId !== "variant") : list;
  return { ...draft, messages: known(messages), changes: known(changes) };
}

const refusals = (list) => list.find((refusal) => refusal !== null) ?? null;

function refuseDestination(destination) {
  const type = DESTINATIONS[destination?.type];
  if (!type) return invalid(`destination: Unknown type '${destination?.type}'.`);
  const credentials = type.aws && destination.authenticationMode !== "IAM";
  const required = [...type.required, ...(credentials ? ["accessKey", "accessSecret"] : [])];
  const missing = required.find((member) => typeof destination[member] !== "string");
  if (missing) return invalid(`destination: ${missing}: Missing required value`);
  if (destination.type === "SQS" && destination.queueUrl.includes("/0000000000/")) {
    const { queueUrl, region, accessKey } = destination;
    return invalid(
      `A test message could not be delivered to this destination: SQS ${queueUrl} in ${region} for ${accessKey}. Please make sure your destination is correctly configured.`,
    );
  }
  return null;
}

function refuseFormat({ destination, format }) {
  if (destination.type !== "EventGrid" || format?.type === "CloudEvents") return null;
  return invalid("EventGrid destinations support the CloudEvents format only.");
}

function refuseKey(key, known) {
  if (key === undefined || !known.some((each) => each.key === key)) return null;
  const refusal = apiError(
    400,
    "DuplicateField",
    `A duplicate value '"${key}"' exists for field 'key'.`,
  );
  Object.assign(refusal.body.errors[0], { field: "key", duplicateValue: key });
  return refusal;
}

function refuseNothing({ messages = [], changes = [], events = [] }) {
  if (messages.length + changes.length + events.length > 0) return null;
  return invalid("At least one of 'messages', 'changes' or 'events' must be set.");
}

const invalid = (message) => apiError(400, "InvalidInput", message);

function stored(destination, projectKey, key) {
  if (destination.type !== "EventBridge") return destination;
  return { ...destination, source: `aws.partner/commercetools.com/${projectKey}/${key}` };
}

function hidden(destination) {
  const { secrets = [] } = DESTINATIONS[destination.type];
  const covered = { ...destination };
  for (const name of secrets.filter((each) => each in destination)) covered[name] = HIDDEN;
  if (covered.connectionString) {
    covered.connectionString = covered.connectionString.replace(
      /(SharedAccessKey=)[^;]*/,
      `$1${HIDDEN}`,
    );
  }
  return covered;
}
