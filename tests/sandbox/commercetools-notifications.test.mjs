// The builders of notifications and envelopes, against reference §1.5 and §2.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as notifications from "../../sandbox/commercetools/notifications.mjs";
import { fixedId } from "../../sandbox/shop/ids.mjs";

describe("notifications", () => {
  const resource = { typeId: "customer", id: fixedId("customer", 1) };
  const named = notifications.message(
    "CustomerLastNameSet",
    resource,
    { lastName: "Doe" },
    {
      id: "11111111-2222-4333-8444-555555555555",
      sequenceNumber: 3,
      resourceVersion: 9,
      createdAt: "2026-07-02T08:00:00.000Z",
    },
  );
  const updated = notifications.change("ResourceUpdated", resource, { version: 5 });

  test("a Message has its own fields beside the common ones", () => {
    assert.deepEqual(named, {
      notificationType: "Message",
      projectKey: "sandbox-shop",
      id: "11111111-2222-4333-8444-555555555555",
      version: 1,
      sequenceNumber: 3,
      resource,
      resourceVersion: 9,
      resourceUserProvidedIdentifiers: {},
      type: "CustomerLastNameSet",
      lastName: "Doe",
      createdAt: "2026-07-02T08:00:00.000Z",
      lastModifiedAt: "2026-07-02T08:00:00.000Z",
    });
    const plain = notifications.message("CustomerDeleted", resource);
    assert.deepEqual(plain, notifications.message("CustomerDeleted", resource));
    assert.notEqual(
      plain.id,
      notifications.message("CustomerDeleted", resource, {}, { sequenceNumber: 2 }).id,
    );
  });

  test("a change carries versions and no resource", () => {
    const { modifiedAt, ...rest } = updated;
    assert.ok(Date.parse(modifiedAt));
    assert.deepEqual(rest, {
      notificationType: "ResourceUpdated",
      projectKey: "sandbox-shop",
      resource,
      resourceUserProvidedIdentifiers: {},
      version: 5,
      oldVersion: 4,
    });
    const options = {
      version: 6,
      dataErasure: true,
      resourceUserProvidedIdentifiers: { key: "k" },
    };
    const deleted = notifications.change("ResourceDeleted", resource, options);
    assert.deepEqual([deleted.dataErasure, "oldVersion" in deleted], [true, false]);
    assert.equal(deleted.resourceUserProvidedIdentifiers.key, "k");
  });

  test("without its payload a Message keeps what all Messages have", () => {
    const { type, lastName, ...common } = named;
    assert.deepEqual(notifications.payloadNotIncluded(named), {
      ...common,
      payloadNotIncluded: { reason: "Payload too large.", payloadType: type },
    });
    assert.equal(lastName, named.lastName, "and the original its own");
  });

  test("CloudEvents", () => {
    assert.deepEqual(notifications.cloudEvent(named), {
      id: named.id,
      source: "/sandbox-shop/customers",
      specversion: "1.0",
      type: "com.commercetools.customer.message.CustomerLastNameSet",
      subject: resource.id,
      time: named.lastModifiedAt,
      dataref: `/sandbox-shop/messages/${named.id}`,
      sequence: "3",
      sequencetype: "Integer",
      data: named,
    });
    const { id, time, ...event } = notifications.cloudEvent(updated);
    assert.deepEqual([typeof id, time], ["string", updated.modifiedAt]);
    assert.deepEqual(event, {
      source: "/sandbox-shop/customers",
      specversion: "1.0",
      type: "com.commercetools.customer.change.ResourceUpdated",
      subject: resource.id,
      data: updated,
    });
    const binary = notifications.binaryCloudEvent(named);
    assert.equal(binary.headers["ce-specversion"], "1.0");
    assert.equal(binary.headers["ce-type"], notifications.cloudEvent(named).type);
    assert.deepEqual([binary.body, "ce-data" in binary.headers], [named, false]);
  });

  test("the envelopes of the brokers hold the notification", () => {
    const { message, subscription } = notifications.pubsub(named, { attributes: { k: "v" } });
    assert.deepEqual(JSON.parse(Buffer.from(message.data, "base64").toString()), named);
    assert.deepEqual([message.messageId, message.attributes], [message.message_id, { k: "v" }]);
    assert.match(subscription, /^projects\/.+\/subscriptions\/.+$/);
    const fromSns = notifications.sns(named, { Subject: "s" });
    assert.deepEqual([fromSns.Type, fromSns.Subject], ["Notification", "s"]);
    assert.deepEqual(JSON.parse(fromSns.Message), named);
    const confirmation = notifications.snsConfirmation();
    assert.equal(confirmation.Type, "SubscriptionConfirmation");
    assert.equal(new URL(confirmation.SubscribeURL).searchParams.get("Token"), confirmation.Token);
    assert.deepEqual(notifications.eventGrid(named), notifications.cloudEvent(named));
    assert.equal(notifications.eventGrid(named, updated)[1].data, updated);
    const [validation] = notifications.eventGridValidation("512d38b6");
    assert.equal(validation.data.validationCode, "512d38b6");
    const event = notifications.eventBridge(named);
    assert.deepEqual([event["detail-type"], event.detail], ["CustomerLastNameSet", named]);
    assert.equal(notifications.eventBridge(updated)["detail-type"], "ResourceUpdated");
  });
});
