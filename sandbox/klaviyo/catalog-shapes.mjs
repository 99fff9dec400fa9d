// The request bodies of the catalogue operations, as tables for validate.mjs.
//
// For: Klaviyo's strictness if no JSON Schema file exists; the tables say the same as
// klaviyo-requests.schema.json (if that file exists, a test compares the two).
// Not for: rules about values and sizes; those are in rules.mjs.
// Source: official OpenAPI spec, revision 2026-07-15, as recorded in klaviyo.md §2.3.

import { data, list, nullable, oneOf, resource } from "./validate.mjs";

const itemReference = resource("catalog-item", { "id!": "string" });
const categoryReferences = list(resource("catalog-category", { "id!": "string" }));

const origin = { integration_type: oneOf("$custom", null), catalog_type: "string?" };
const pictures = {
  image_full_url: "string?",
  image_thumbnail_url: "string?",
  images: nullable(list("string")),
};
const extras = { custom_metadata: "object?", published: "boolean?" };
const texts = { title: "string?", description: "string?", url: "string?" };
const requiredTexts = { "title!": "string", "description!": "string", "url!": "string" };
const stockPolicy = oneOf(0, 1, 2, null);

const itemRelationships = { relationships: { categories: { data: categoryReferences } } };
const categoryRelationships = { relationships: { items: { data: list(itemReference) } } };

// The spec leaves `data` of a variant's item optional; without it there is no parent, so it is
// required here.
/** One row per kind: its resource in a create and in an update, and the rows' name in a job. */
const kinds = {
  item: {
    rows: "items",
    create: {
      "attributes!": {
        "external_id!": "string",
        ...origin,
        ...requiredTexts,
        price: "number?",
        ...pictures,
        ...extras,
      },
      ...itemRelationships,
    },
    update: {
      "id!": "string",
      "attributes!": { ...texts, price: "number?", ...pictures, ...extras },
      ...itemRelationships,
    },
  },
  variant: {
    rows: "variants",
    create: {
      "attributes!": {
        "external_id!": "string",
        ...origin,
        ...requiredTexts,
        "sku!": "string",
        inventory_policy: stockPolicy,
        "inventory_quantity!": "number",
        "price!": "number",
        ...pictures,
        ...extras,
      },
      "relationships!": { "item!": data(itemReference) },
    },
    update: {
      "id!": "string",
      "attributes!": {
        ...texts,
        sku: "string?",
        inventory_policy: stockPolicy,
        inventory_quantity: "number?",
        price: "number?",
        ...pictures,
        ...extras,
      },
    },
  },
  category: {
    rows: "categories",
    create: {
      "attributes!": { "external_id!": "string", "name!": "string", ...origin },
      ...categoryRelationships,
    },
    update: { "id!": "string", "attributes!": { name: "string?" }, ...categoryRelationships },
  },
};

export const catalogShapes = Object.fromEntries(
  Object.entries(kinds).map(([kind, { rows, create, update }]) => {
    const type = `catalog-${kind}`;
    const job = (action, table) =>
      data(
        resource(`${type}-bulk-${action}-job`, {
          "attributes!": {
            [`${rows}!`]: data(list(resource(type, table), { max: 100 })),
          },
        }),
      );
    const shapes = {
      create: data(resource(type, create)),
      update: data(resource(type, update)),
      bulkCreate: job("create", create),
      bulkUpdate: job("update", update),
      bulkDelete: job("delete", { "id!": "string" }),
    };
    return [kind, shapes];
  }),
);

export const categoryReferencesShape = data(categoryReferences);
