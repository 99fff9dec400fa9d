// The documents of the tests in the runtime, and their notifications.

import { change } from "../../sandbox/commercetools/notifications.mjs";
import { fixedId } from "../../sandbox/shop/ids.mjs";

/** A reference to a document, as a notification has it. */
export const about = (typeId, { id }) => ({ typeId, id });

/** A document was changed. */
export const changed = (typeId, document, options) =>
  change("ResourceUpdated", about(typeId, document), options);

/** The nth document of its type. */
export const numbered = (documents, typeId, n) =>
  documents.find(({ id }) => id === fixedId(typeId, n));

/** An open order of somebody that Klaviyo can tell apart. */
export const isOpen = ({ orderState, customerEmail }) => orderState === "Open" && customerEmail;

/** The id that Klaviyo gives a thing of the catalogue. */
export const klaviyoId = (externalId) => `$custom:::$default:::${externalId}`;

/** A variant as Klaviyo holds it, of an item with this id in the shop. */
export const variantOf = (item, sku) => ({
  attributes: { external_id: sku, sku, title: "V", inventory_quantity: -1, price: 1 },
  relationships: { item: { data: { type: "catalog-item", id: klaviyoId(item) } } },
});

/**
 * Takes away the phone numbers of a generated shop's customers. They share a few of them, and a number
 * is an identifier at Klaviyo: who comes first would own it, and no two runs would be alike.
 */
export function withoutPhones(shop) {
  for (const { addresses } of shop.customers) {
    for (const address of addresses) {
      delete address.phone;
      delete address.mobile;
    }
  }
  return shop;
}
