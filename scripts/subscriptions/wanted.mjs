// What the worker uses, and therefore subscribes to: message types and changes of each resource
// type. The worker's own view is src/push/plan, `CONFIG` can set its message types
// (src/config/rules.rs), and tests/runtime/subscriptions.test.mjs compares the two.

/** The defaults of `CONFIG` that name message types. */
const DEFAULTS = {
  order: {
    created: [
      "OrderCreated",
      "OrderImported",
      "OrderCustomerSet",
      "OrderCreatedFromRecurringOrder",
    ],
    changed: ["OrderStateChanged"],
  },
  payment: {
    transactionAdded: ["PaymentTransactionAdded"],
    transactionChanged: ["PaymentTransactionStateChanged"],
  },
  category: { created: ["CategoryCreated"] },
  product: {
    published: ["ProductPublished"],
    deleted: ["ProductUnpublished", "ResourceDeleted", "ProductDeleted"],
  },
};

/** What is never set by `CONFIG`: `types` beside those that are, or `all`, and whether to subscribe to changes. */
const RESOURCES = {
  customer: { types: ["CustomerCreated"], changes: true },
  order: { types: ["OrderEditApplied"] },
  payment: { types: [] },
  category: { types: [], changes: true },
  product: { types: [], changes: true },
  "inventory-entry": {
    types: ["InventoryEntryCreated", "InventoryEntryQuantitySet", "InventoryEntryDeleted"],
    changes: true,
  },
  "standalone-price": { all: true },
  variant: {
    types: [
      "VariantCreated",
      "VariantPublished",
      "VariantUnpublished",
      "VariantDeleted",
      "VariantSkuSet",
      "VariantImageAdded",
      "VariantImagesSet",
    ],
    changes: true,
  },
};

/** What a subscription is for unless it says so itself: prices of their own are rare, and many. */
export const DEFAULT_RESOURCES = Object.keys(RESOURCES).filter(
  (resource) => !["standalone-price", "variant"].includes(resource),
);

/**
 * What a subscription is for in a project of this catalogue model (undefined: not known). `named` are
 * the resource types that it names, if any, `elsewhere` those of other subscriptions. Where variants
 * are resources of their own, `product` brings them along, and every price is a standalone one.
 */
export function resourcesFor(catalogModel, named, elsewhere = []) {
  if (!["Modular", "InMigration"].includes(catalogModel)) return named ?? DEFAULT_RESOURCES;
  const prices = elsewhere.includes("standalone-price") ? [] : ["standalone-price"];
  const resources = named ?? [...DEFAULT_RESOURCES, ...prices];
  return resources.includes("product") ? [...resources, "variant"] : resources;
}

/**
 * The `messages` and `changes` of a commercetools Subscription for these resource types. `config` is
 * the worker's `CONFIG`, an object of which any part may be absent.
 */
export function wanted(resources, config = {}) {
  const messages = [];
  for (const resourceTypeId of resources) {
    const { all } = RESOURCES[resourceTypeId];
    const types = all ? [] : messageTypes(resourceTypeId, config);
    // To commercetools an empty list means every message.
    if (all || types.length > 0) messages.push({ resourceTypeId, types });
  }
  const changes = resources
    .filter((resource) => RESOURCES[resource].changes)
    .map((resourceTypeId) => ({ resourceTypeId }));
  return { messages, changes };
}

function messageTypes(resource, config) {
  const lists = { ...DEFAULTS[resource], ...config[resource]?.messages };
  const named = resource in DEFAULTS ? Object.values(lists).flat() : [];
  const types = [...named, ...RESOURCES[resource].types].filter((type) => !isChange(type));
  return [...new Set(types)].sort();
}

/** `product.messages.deleted` may name changes too. */
const isChange = (type) => /^Resource(Created|Updated|Deleted)$/.test(type);
