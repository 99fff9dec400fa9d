// The notifications of commercetools, in the form that the broker gets and in the forms that each broker sends over
// HTTP; for tests and the demo. Pure: the same arguments give the same notification, and nothing is sent. Nothing is
// signed either: a test of signatures signs for itself. Shapes: reference §1.5 (envelopes) and §2 (notifications).
// Every option can be overridden.

import { derivedId } from "../shop/ids.mjs";
import { RESOURCES } from "./resources.mjs";

const PROJECT_KEY = "sandbox-shop";
const WHEN = "2026-07-01T12:00:00.000Z";
const TOPIC_ARN = "arn:aws:sns:eu-central-1:123456789012:commercetools";

/** What a Message carries whatever its type; the rest is the type's own (Appendix A). */
const COMMON = [
  "notificationType",
  "projectKey",
  "id",
  "version",
  "sequenceNumber",
  "resource",
  "resourceVersion",
  "resourceUserProvidedIdentifiers",
  "createdAt",
  "lastModifiedAt",
];

/** A Message in the Platform format; `fields` are the type's own, beside the rest. */
export function message(type, resource, fields = {}, options = {}) {
  const { sequenceNumber = 1, resourceVersion = sequenceNumber, createdAt = WHEN } = options;
  return {
    notificationType: "Message",
    projectKey: PROJECT_KEY,
    id: derivedId(`${type} ${resource.id} ${sequenceNumber}`),
    version: 1,
    sequenceNumber,
    resource,
    resourceVersion,
    resourceUserProvidedIdentifiers: {},
    type,
    ...fields,
    createdAt,
    lastModifiedAt: createdAt,
    ...options,
  };
}

/** "ResourceCreated", "ResourceUpdated" or "ResourceDeleted"; it never carries the resource. */
export function change(notificationType, resource, options = {}) {
  const updated = notificationType === "ResourceUpdated";
  const { version = updated ? 2 : 1 } = options;
  return {
    notificationType,
    projectKey: PROJECT_KEY,
    resource,
    resourceUserProvidedIdentifiers: {},
    version,
    ...(updated && { oldVersion: version - 1 }),
    modifiedAt: WHEN,
    ...options,
  };
}

/** The Message as it comes when it is larger than the queue takes: without `type` too (§2.1). */
export function payloadNotIncluded(message, reason = "Payload too large.") {
  const common = Object.entries(message).filter(([name]) => COMMON.includes(name));
  return {
    ...Object.fromEntries(common),
    payloadNotIncluded: { reason, payloadType: message.type },
  };
}

/** The CloudEvents format, structured mode (§2.2). A batch is an array of these. */
export function cloudEvent(notification, options = {}) {
  const { notificationType, projectKey, resource, type } = notification;
  const isMessage = notificationType === "Message";
  const kind = isMessage ? `message.${type}` : `change.${notificationType}`;
  const id = notificationId(notification);
  return {
    id,
    source: `/${projectKey}/${pathOf(resource.typeId)}`,
    specversion: "1.0",
    type: `com.commercetools.${resource.typeId}.${kind}`,
    subject: resource.id,
    time: timeOf(notification),
    ...(isMessage && {
      dataref: `/${projectKey}/messages/${id}`,
      sequence: String(notification.sequenceNumber),
      sequencetype: "Integer",
    }),
    data: notification,
    ...options,
  };
}

/** The same in binary mode: attributes as headers, the notification as the body. */
export function binaryCloudEvent(notification) {
  const { data, ...attributes } = cloudEvent(notification);
  const headers = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]);
  return {
    headers: { "content-type": "application/json", ...Object.fromEntries(headers) },
    body: data,
  };
}

/** Google Cloud Pub/Sub push (§1.5 A). */
export function pubsub(notification, { subscription = "klaviyo-sync", ...options } = {}) {
  const messageId = String(Number.parseInt(notificationId(notification).slice(0, 8), 16));
  const publishTime = timeOf(notification);
  return {
    message: {
      data: Buffer.from(JSON.stringify(notification)).toString("base64"),
      messageId,
      message_id: messageId,
      publishTime,
      publish_time: publishTime,
      attributes: {},
      ...options,
    },
    subscription: `projects/fellweg/subscriptions/${subscription}`,
  };
}

/** Amazon SNS over HTTPS (§1.5 B); it comes as text/plain. */
export function sns(notification, options = {}) {
  return {
    Type: "Notification",
    MessageId: notificationId(notification),
    TopicArn: TOPIC_ARN,
    Message: JSON.stringify(notification),
    Timestamp: timeOf(notification),
    SignatureVersion: "1",
    Signature: "",
    SigningCertURL: "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0.pem",
    UnsubscribeURL: "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe",
    ...options,
  };
}

/** The handshake of SNS, which the subscriber ends by fetching `SubscribeURL`. */
export function snsConfirmation(options = {}) {
  const Token = "2336412f37f";
  const query = new URLSearchParams({ Action: "ConfirmSubscription", TopicArn: TOPIC_ARN, Token });
  const { UnsubscribeURL: _none, ...rest } = sns(change("ResourceCreated", subscription()));
  return {
    ...rest,
    Type: "SubscriptionConfirmation",
    Token,
    Message: `You have chosen to subscribe to the topic ${TOPIC_ARN}.`,
    SubscribeURL: `https://sns.eu-central-1.amazonaws.com/?${query}`,
    ...options,
  };
}

/** Azure Event Grid (§1.5 C): CloudEvents only; batched when there is more than one. */
export function eventGrid(...notifications) {
  const events = notifications.map((notification) => cloudEvent(notification));
  return events.length === 1 ? events[0] : events;
}

/** The handshake in Event Grid's own schema. */
export function eventGridValidation(validationCode) {
  return [
    {
      id: derivedId(validationCode),
      topic: "/subscriptions/fellweg/topics/commercetools",
      subject: "",
      data: { validationCode },
      eventType: "Microsoft.EventGrid.SubscriptionValidationEvent",
      eventTime: WHEN,
      metadataVersion: "1",
      dataVersion: "1",
    },
  ];
}

/** An EventBridge API destination (§1.5 D). */
export function eventBridge(notification, options = {}) {
  return {
    version: "0",
    id: notificationId(notification),
    "detail-type": notification.type ?? notification.notificationType,
    source: `aws.partner/commercetools.com/${notification.projectKey}/klaviyo-sync`,
    account: "123456789012",
    time: timeOf(notification),
    region: "eu-central-1",
    resources: [],
    detail: notification,
    ...options,
  };
}

/** What commercetools notifies about when a Subscription is created, to test the destination. */
export function subscription() {
  return { typeId: "subscription", id: derivedId("subscription") };
}

function notificationId({ id, notificationType, resource, version }) {
  return id ?? derivedId(`${notificationType} ${resource.id} ${version}`);
}

function timeOf({ lastModifiedAt, modifiedAt }) {
  return lastModifiedAt ?? modifiedAt;
}

function pathOf(typeId) {
  return RESOURCES.find((known) => known.typeId === typeId)?.path ?? `${typeId}s`;
}
