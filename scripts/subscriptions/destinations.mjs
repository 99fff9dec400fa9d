// Facts about each destination type of commercetools beyond its members in schema.json: how it
// reaches the worker, and what to check if commercetools cannot reach it.
// https://docs.commercetools.com/api/projects/subscriptions#destination

const AWS_USER = "arn:aws:iam::362576667341:user/subscriptions";

/**
 * `forwarder`: nothing in the broker pushes over HTTP, so something must that the file names.
 * `formats`: which it takes, the first by default. `check`: the usual reasons for a refusal.
 */
const TYPES = {
  GoogleCloudPubSub: {
    check:
      "the topic exists, and subscriptions@commercetools-platform.iam.gserviceaccount.com has the role roles/pubsub.publisher on it",
  },
  SNS: {
    check: `the topic exists and is a standard one, and ${AWS_USER} (or the user of the access key) may sns:Publish to it`,
  },
  SQS: {
    forwarder: true,
    check: `the queue exists and is a standard one, and ${AWS_USER} (or the user of the access key) may sqs:SendMessage to it`,
  },
  EventBridge: { check: "the account and the region are right" },
  EventGrid: {
    formats: ["CloudEvents"],
    check:
      "the topic exists, takes the CloudEvents schema 1.0, and the access key is one of its two",
  },
  AzureServiceBus: {
    forwarder: true,
    check:
      "the queue or topic exists, the connection string ends in its EntityPath, and its policy has the claim Send",
  },
  ConfluentCloud: {
    check: "the topic exists, and the API key is of its cluster and may write to it",
  },
};

export const formatsOf = (type) => TYPES[type].formats ?? ["Platform", "CloudEvents"];

export const needsForwarder = (type) => TYPES[type].forwarder === true;

/** What to check when commercetools could not deliver its test message. */
export const whatToCheck = (type) => TYPES[type].check;

/** The destination in few words; nothing of it is a secret. */
export function described({ type, ...members }) {
  const name = members.topicArn ?? members.queueUrl ?? members.uri;
  const parts = {
    GoogleCloudPubSub: () => `projects/${members.projectId}/topics/${members.topic}`,
    EventBridge: () => `account ${members.accountId} in ${members.region}`,
    AzureServiceBus: () => "the queue of its connection string",
    ConfluentCloud: () => `${members.topic} at ${members.bootstrapServer}`,
  };
  return `${type} ${name ?? parts[type]()}`;
}

/** What is still to be done beside commercetools for its notifications to come to the worker, or null. */
export function nextStep({ key, destination, forwarder }, projectKey) {
  if (forwarder) {
    return `commercetools delivers into a queue: ${forwarder} must post what is in it to the worker`;
  }
  if (destination.type === "EventBridge") {
    return `associate the partner event source aws.partner/commercetools.com/${projectKey}/${key} with an event bus`;
  }
  return null;
}
