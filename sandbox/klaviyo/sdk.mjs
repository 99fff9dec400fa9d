// A third opinion on request bodies: the models of Klaviyo's official SDK (npm `klaviyo-api`), which
// this project did not write and every clone has.
//
// For: a body that the SDK parses and serialises must come out complete. The SDK drops an unknown member (`uniqueId`
// for `unique_id`), so a lost member was misnamed or misplaced.
// Not for: values and missing members; the SDK checks neither.

/** The model of each operation's body, as the SDK's own calls name it (a test compares the two). */
export const MODELS = {
  "POST /api/events": "EventCreateQueryV2",
  "POST /api/event-bulk-create-jobs": "EventsBulkCreateJob",
  "POST /api/profiles": "ProfileCreateQuery",
  "PATCH /api/profiles/{id}": "ProfilePartialUpdateQuery",
  "POST /api/profile-import": "ProfileUpsertQuery",
  "POST /api/profile-bulk-import-jobs": "ProfileImportJobCreateQuery",
  "POST /api/profile-merge": "ProfileMergeQuery",
  "POST /api/data-privacy-deletion-jobs": "DataPrivacyCreateDeletionJobQuery",
  "POST /api/profile-subscription-bulk-create-jobs": "SubscriptionCreateJobCreateQuery",
  "POST /api/profile-subscription-bulk-delete-jobs": "SubscriptionDeleteJobCreateQuery",
  "POST /api/back-in-stock-subscriptions": "ServerBISSubscriptionCreateQuery",
  "POST /api/catalog-items": "CatalogItemCreateQuery",
  "PATCH /api/catalog-items/{id}": "CatalogItemUpdateQuery",
  "POST /api/catalog-item-bulk-create-jobs": "CatalogItemCreateJobCreateQuery",
  "POST /api/catalog-item-bulk-update-jobs": "CatalogItemUpdateJobCreateQuery",
  "POST /api/catalog-item-bulk-delete-jobs": "CatalogItemDeleteJobCreateQuery",
  "POST /api/catalog-variants": "CatalogVariantCreateQuery",
  "PATCH /api/catalog-variants/{id}": "CatalogVariantUpdateQuery",
  "POST /api/catalog-variant-bulk-create-jobs": "CatalogVariantCreateJobCreateQuery",
  "POST /api/catalog-variant-bulk-update-jobs": "CatalogVariantUpdateJobCreateQuery",
  "POST /api/catalog-variant-bulk-delete-jobs": "CatalogVariantDeleteJobCreateQuery",
  "POST /api/catalog-categories": "CatalogCategoryCreateQuery",
  "PATCH /api/catalog-categories/{id}": "CatalogCategoryUpdateQuery",
  "POST /api/catalog-category-bulk-create-jobs": "CatalogCategoryCreateJobCreateQuery",
  "POST /api/catalog-category-bulk-update-jobs": "CatalogCategoryUpdateJobCreateQuery",
  "POST /api/catalog-category-bulk-delete-jobs": "CatalogCategoryDeleteJobCreateQuery",
  "POST /api/catalog-items/{id}/relationships/categories": "CatalogItemCategoryOp",
  "PATCH /api/catalog-items/{id}/relationships/categories": "CatalogItemCategoryOp",
  "DELETE /api/catalog-items/{id}/relationships/categories": "CatalogItemCategoryOp",
};

/**
 * Where the SDK is not what the API is: the attribute that a model gets instead of its own, where that
 * is known from, and a body that is refused without it (a test sends each both ways).
 */
export const DIFFERENCES = [
  {
    model: "ProfileMetaPatchProperties",
    attribute: { name: "unset", baseName: "unset", type: "any" },
    // "oneOf: string, array of string" in the specification of 2026-07-15. The SDK 23.0.0 lists it as
    // `Array&lt;string&gt;` (`oneOfMapNoDiscriminator` in model/models.ts), escaped by mistake, which
    // it then does not find.
    needed: [
      "POST /api/profile-import",
      {
        data: {
          type: "profile",
          attributes: { email: "a@example.com" },
          meta: { patch_properties: { unset: ["tier"] } },
        },
      },
    ],
  },
  {
    model: "EventProfileCreateQueryResourceObject",
    attribute: { name: "meta", baseName: "meta", type: "OnsiteProfileMeta" },
    // The SDK 23.0.0 speaks revision 2026-07-15, which has it among the profile's attributes.
    needed: [
      "POST /api/events",
      {
        data: {
          type: "event",
          attributes: {
            metric: { data: { type: "metric", attributes: { name: "Placed Order" } } },
            properties: {},
            profile: {
              data: {
                type: "profile",
                attributes: { email: "a@example.com" },
                meta: { patch_properties: { append: { tags: "vip" } } },
              },
            },
          },
        },
      },
    ],
  },
];

let loading;

/**
 * The SDK as a judge: `(operation, body) => problem | null`. It is read once in a process, since that
 * takes a second; of it only the models, not the client. `without(difference, work)` does the work
 * while the SDK is not excused that difference.
 */
export function loadSdk() {
  loading ??= import("klaviyo-api/dist/model/models.js").then(({ default: models }) => {
    const excuses = new Map(DIFFERENCES.map((each) => [each, excuseOf(models, each)]));
    for (const excuse of excuses.values()) excuse.give();
    return Object.assign((operation, body) => judge(models.ObjectSerializer, operation, body), {
      async without(difference, work) {
        const excuse = excuses.get(difference);
        excuse.takeBack();
        try {
          return await work();
        } finally {
          excuse.give();
        }
      },
    });
  });
  return loading;
}

function excuseOf(models, { model, attribute }) {
  const attributes = models[model].attributeTypeMap;
  const own = [...attributes];
  const others = own.filter(({ baseName }) => baseName !== attribute.baseName);
  const become = (list) => void attributes.splice(0, attributes.length, ...list);
  return { give: () => become([...others, attribute]), takeBack: () => become(own) };
}

function judge(serializer, operation, body) {
  const model = MODELS[operation];
  if (!model) return problem("", `the SDK's model of ${operation} is not known here`);
  let written;
  try {
    written = serializer.serialize(serializer.deserialize(body, model), model);
  } catch (error) {
    return problem("", `it cannot be read: ${error.message}`);
  }
  return difference(body, written, "");
}

/** The first member that the SDK loses or changes. */
function difference(sent, written, pointer) {
  if (sent === written || sameInstant(sent, written)) return null;
  if (!areAlike(sent, written)) {
    const lost = written === undefined;
    return problem(pointer, lost ? "it does not know this member" : "it changes this value");
  }
  for (const key of new Set([...Object.keys(sent), ...Object.keys(written)])) {
    const found = difference(sent[key], written[key], `${pointer}/${key}`);
    if (found) return found;
  }
  return null;
}

function areAlike(one, other) {
  const [first, second] = [one, other].map((value) =>
    Array.isArray(value) ? "list" : value === null ? "null" : typeof value,
  );
  return first === second && ["list", "object"].includes(first);
}

/** The SDK holds times as `Date`, so it writes the same time in UTC. Other texts it leaves alone. */
function sameInstant(sent, written) {
  return (
    typeof sent === "string" &&
    typeof written === "string" &&
    Date.parse(sent) === Date.parse(written)
  );
}

function problem(pointer, detail) {
  return { pointer, detail: `Klaviyo's SDK: ${detail}.`, violation: true };
}
