// The documents that others refer to: types, channels, groups, discounts, states, tax categories.
// Fellweg is a fictitious maker of outdoor clothing with shops in Munich and Zurich.

import { money, refTo, resource } from "./build.mjs";
import { fixedId } from "./ids.mjs";

const FOUNDED = "2019-03-01T08:00:00.000Z";

function projectResource(typeId, n, fields) {
  return { ...resource(fixedId(typeId, n), FOUNDED), ...fields };
}

function attribute(name, type, label) {
  const constraint = { attributeConstraint: "None", isRequired: false, isSearchable: true };
  return { name, type, label: { en: label }, ...constraint, inputHint: "SingleLine" };
}

function field(name, type, label) {
  return { name, type, label: { en: label }, required: false, inputHint: "SingleLine" };
}

export const productTypes = [
  projectResource("product-type", 1, {
    key: "clothing",
    name: "Clothing",
    description: "What is worn",
    attributes: [
      attribute("brand", { name: "text" }, "Brand"),
      attribute("size", { name: "text" }, "Size"),
      attribute("color", { name: "ltext" }, "Colour"),
      attribute("waterproof", { name: "boolean" }, "Waterproof"),
      attribute("weight", { name: "number" }, "Weight in grams"),
      attribute("materials", { name: "set", elementType: { name: "text" } }, "Materials"),
      attribute("fit", { name: "enum", values: [{ key: "slim", label: "Slim" }] }, "Fit"),
    ],
  }),
  projectResource("product-type", 2, {
    key: "equipment",
    name: "Equipment",
    description: "What is carried",
    attributes: [
      attribute("brand", { name: "text" }, "Brand"),
      attribute("volume", { name: "number" }, "Volume in litres"),
    ],
  }),
];

export const types = [
  projectResource("type", 1, {
    key: "customer-profile",
    name: { en: "Customer profile" },
    resourceTypeIds: ["customer"],
    fieldDefinitions: [
      field("newsletter", { name: "Boolean" }, "Wants the newsletter"),
      field("shoeSize", { name: "Number" }, "Shoe size"),
      field("loyaltyPoints", { name: "Number" }, "Loyalty points"),
      field("interests", { name: "Set", elementType: { name: "String" } }, "Interests"),
      field("storeNote", { name: "LocalizedString" }, "Note of the store"),
      field("memberSince", { name: "Date" }, "Member since"),
      field("voucherBalance", { name: "Money" }, "Voucher balance"),
      field("homeStore", { name: "Reference", referenceTypeId: "channel" }, "Home store"),
    ],
  }),
  projectResource("type", 2, {
    key: "order-details",
    name: { en: "Order details" },
    resourceTypeIds: ["order"],
    fieldDefinitions: [
      field("giftMessage", { name: "String" }, "Gift message"),
      field("salesChannel", { name: "String" }, "Sales channel"),
      field("carbonNeutral", { name: "Boolean" }, "Carbon neutral shipping"),
    ],
  }),
];

export const channels = [
  projectResource("channel", 1, {
    key: "munich-store",
    roles: ["ProductDistribution", "InventorySupply"],
    name: { en: "Munich store", de: "Laden München" },
    address: { country: "DE", city: "München", streetName: "Sendlinger Straße", streetNumber: "8" },
  }),
  projectResource("channel", 2, {
    key: "zurich-store",
    roles: ["ProductDistribution", "InventorySupply"],
    name: { en: "Zurich store", de: "Laden Zürich" },
    address: { country: "CH", city: "Zürich", streetName: "Niederdorfstrasse", streetNumber: "21" },
  }),
  projectResource("channel", 3, {
    key: "central-warehouse",
    roles: ["InventorySupply"],
    name: { en: "Central warehouse", de: "Zentrallager" },
  }),
];

export const customerGroups = [
  projectResource("customer-group", 1, { key: "club", name: "Fellweg Club" }),
  projectResource("customer-group", 2, { key: "mountain-guides", name: "Mountain guides" }),
];

export const stores = [
  projectResource("store", 1, {
    key: "dach",
    name: { en: "Germany, Austria, Switzerland" },
    languages: ["de", "en", "fr"],
    countries: [{ code: "DE" }, { code: "AT" }, { code: "CH" }],
    distributionChannels: [refTo("channel", 1), refTo("channel", 2)],
    supplyChannels: [refTo("channel", 3)],
    productSelections: [],
  }),
];

export const states = [
  projectResource("state", 1, { key: "initial", type: "LineItemState", initial: true }),
  projectResource("state", 2, { key: "shipped", type: "LineItemState", initial: false }),
  projectResource("state", 3, { key: "in-review", type: "OrderState", initial: true }),
].map((state) => ({ ...state, name: { en: state.key }, builtIn: false, roles: [] }));

export const taxCategories = [
  projectResource("tax-category", 1, { key: "standard", name: "Standard rate", rates: [] }),
];

export const productDiscounts = [
  projectResource("product-discount", 1, {
    key: "end-of-season",
    name: { en: "End of season", de: "Saisonende" },
    value: { type: "relative", permyriad: 2500 },
    predicate: 'attributes.season = "winter"',
    sortOrder: "0.5",
    isActive: true,
    references: [],
  }),
];

export const cartDiscounts = [
  cartDiscount(1, "Ten percent", { type: "relative", permyriad: 1000 }),
  cartDiscount(2, "Mug above 150", {
    type: "giftLineItem",
    product: refTo("product", 8),
    variantId: 1,
  }),
  cartDiscount(3, "Anniversary", { type: "absolute", money: [money("GBP", 2000)] }),
];

function cartDiscount(n, name, value) {
  const applies = { cartPredicate: "1 = 1", target: { type: "lineItems", predicate: "1 = 1" } };
  const rules = { isActive: true, requiresDiscountCode: n === 1, stackingMode: "Stacking" };
  const order = { sortOrder: `0.${n}`, references: [], stores: [] };
  return projectResource("cart-discount", n, {
    name: { en: name },
    value,
    ...applies,
    ...rules,
    ...order,
  });
}

export const discountCodes = [
  discountCode(1, "FELL10", "Ten percent off", true),
  discountCode(2, "WINTER24", "Winter of 2024, over", false),
];

function discountCode(n, code, name, isActive) {
  const cartDiscountRefs = { cartDiscounts: [refTo("cart-discount", 1)] };
  const applies = { isActive, references: [], groups: [], applicationVersion: 1 };
  return projectResource("discount-code", n, {
    code,
    name: { en: name },
    ...cartDiscountRefs,
    ...applies,
  });
}
