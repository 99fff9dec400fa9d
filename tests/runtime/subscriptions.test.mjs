// The subscriptions of `npm run subscriptions` against the built worker: it knows every message
// type and change in the list, and more subscriptions would bring nothing.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { change, message } from "../../sandbox/commercetools/notifications.mjs";
import { derivedId } from "../../sandbox/shop/ids.mjs";
import { DEFAULT_RESOURCES, wanted } from "../../scripts/subscriptions/wanted.mjs";
import { eventually } from "../eventually.mjs";
import { start } from "./harness.mjs";

const RESOURCES = [...DEFAULT_RESOURCES, "standalone-price", "variant"];
const CHANGES = ["ResourceCreated", "ResourceUpdated", "ResourceDeleted"];

/** Where a subscription has no types, it is to every message: some of them, of the API reference. */
const EVERY = {
  "standalone-price": [
    "StandalonePriceCreated",
    "StandalonePriceDeleted",
    "StandalonePriceValueChanged",
    "StandalonePriceDiscountSet",
    "StandalonePriceValidFromSet",
    "StandalonePriceKeySet",
    "StandalonePriceActiveChanged",
    "StandalonePriceTierAdded",
  ],
};

/** Messages and changes that there are, and that nobody is interested in. */
const UNKNOWN = {
  order: ["OrderStoreSet", "OrderDeleted", "DeliveryAdded", "ResourceUpdated"],
  payment: ["PaymentCreated", "PaymentStatusStateTransition", "ResourceUpdated"],
  category: ["CategorySlugChanged"],
  product: ["ProductSlugChanged", "ProductPriceAdded"],
  "inventory-entry": ["InventoryEntryKeySet"],
};

/** A notification about a document of its own, which does not exist. */
function notificationOf(resource, type) {
  const about = { typeId: resource, id: derivedId(`${resource} ${type}`) };
  return CHANGES.includes(type) ? change(type, about) : message(type, about);
}

/** Pushes one notification of each `[resource, type]`, and gives those that the worker does not know. */
async function unknownTo(stack, pairs) {
  const notifications = pairs.map(([resource, type]) => notificationOf(resource, type));
  for (const each of notifications) {
    const { status, text } = await stack.push(each);
    assert.ok(status === 204 || status === 202, text);
  }
  const lineOf = ({ resource }) =>
    stack.logged().find((line) => JSON.stringify(line.resource ?? "").includes(resource.id));
  await eventually(
    "a line for each notification",
    () => notifications.filter((each) => !lineOf(each)),
    (missing) => missing.length === 0,
  );
  return pairs.filter((_, index) => lineOf(notifications[index]).code === "unknown_type");
}

function subscribedTo(config) {
  const { messages, changes } = wanted(RESOURCES, config);
  return [
    ...messages.flatMap(({ resourceTypeId, types }) =>
      (types.length > 0 ? types : EVERY[resourceTypeId]).map((type) => [resourceTypeId, type]),
    ),
    ...changes.flatMap(({ resourceTypeId }) => CHANGES.map((type) => [resourceTypeId, type])),
  ];
}

const RENAMED = {
  order: {
    messages: { created: ["OrderCreated", "OrderPaymentAdded"], changed: ["DeliveryAdded"] },
  },
  payment: { messages: { transactionAdded: ["PaymentInteractionAdded"] } },
  category: { messages: { created: ["CategoryCreated", "CategorySlugChanged"] } },
  product: { messages: { published: ["ProductPriceAdded"] } },
};

describe("the worker acts on", () => {
  for (const [name, config] of Object.entries({
    "the defaults": {},
    "what CONFIG names": RENAMED,
  })) {
    test(`${name}: everything that is subscribed to, and no other message`, async () => {
      const stack = await start({ settings: { CONFIG: JSON.stringify(config) } });
      try {
        const subscribed = subscribedTo(config);
        assert.deepEqual(await unknownTo(stack, subscribed), []);
        const others = Object.entries(UNKNOWN)
          .flatMap(([resource, types]) => types.map((type) => [resource, type]))
          .filter((pair) => !subscribed.some((each) => each.join() === pair.join()));
        assert.deepEqual(await unknownTo(stack, others), others);
      } finally {
        await stack.close();
      }
    });
  }
});
