// The resource types of the sandbox: their names in references, their place in the shop, their paths in the API, the
// OAuth scopes that open them, and the indexed fields of their documents. Scopes: reference §5.4, from the API
// reference's `resources/*.raml`; "unverified" if no stored source names one. A type without a path only serves
// expansion, one without a shop starts empty.

export const RESOURCES = [
  { typeId: "cart-discount", shop: "cartDiscounts" },
  { typeId: "product-discount", shop: "productDiscounts" },
  { typeId: "state", shop: "states" },
  { typeId: "tax-category", shop: "taxCategories" },
  {
    typeId: "category",
    shop: "categories",
    path: "categories",
    view: ["view_products", "view_categories"],
  },
  {
    typeId: "channel",
    shop: "channels",
    path: "channels",
    view: ["view_products", "view_channels"],
  },
  {
    typeId: "customer-group",
    shop: "customerGroups",
    path: "customer-groups",
    view: ["view_customers", "view_customer_groups"],
  },
  { typeId: "customer", shop: "customers", path: "customers", view: ["view_customers"] },
  {
    typeId: "discount-code",
    shop: "discountCodes",
    path: "discount-codes",
    view: ["view_discount_codes"], // unverified
  },
  {
    typeId: "inventory-entry",
    shop: "inventory",
    path: "inventory",
    view: ["view_products"],
    indexed: ["sku"],
  },
  { typeId: "order", shop: "orders", path: "orders", view: ["view_orders"] },
  { typeId: "payment", shop: "payments", path: "payments", view: ["view_payments"] },
  {
    typeId: "product-type",
    shop: "productTypes",
    path: "product-types",
    view: ["view_products", "view_product_types"], // unverified
  },
  { typeId: "product", shop: "products", path: "products", view: ["view_products"] },
  {
    typeId: "standalone-price",
    shop: "standalonePrices",
    path: "standalone-prices",
    view: ["view_standalone_prices"],
    indexed: ["sku"],
  },
  { typeId: "store", shop: "stores", path: "stores", view: ["view_stores"] },
  { typeId: "type", shop: "types", path: "types", view: ["view_types"] },
  { typeId: "subscription", path: "subscriptions", view: ["manage_subscriptions"] },
  {
    typeId: "variant",
    shop: "variants",
    path: "variants",
    view: ["view_products"],
    indexed: ["product.id", "current.sku"],
    methods: ["GET"],
  },
  {
    typeId: "message",
    path: "messages",
    view: ["view_messages"],
    methods: ["GET"],
  },
];

/** What stands at `/{projectKey}` itself; only who may do everything may change it. */
const PROJECT = {
  path: "",
  view: ["view_project_settings", "manage_project_settings"],
  manage: [],
  methods: ["GET", "POST"],
};

/** What the API client of the sync has (§6, "least scopes"), and the shop's own reference data. */
export const DEFAULT_SCOPES = [
  "view_customers",
  "view_customer_groups",
  "view_discount_codes",
  "view_messages",
  "view_orders",
  "view_payments",
  "view_products",
  "view_project_settings",
  "view_published_products",
  "view_standalone_prices",
  "view_stores",
  "view_types",
];

/** What is served at this path below the project, or undefined. */
export function servedAt(path) {
  return [...RESOURCES, PROJECT].find((resource) => resource.path === path);
}

export function indexedFields(typeId) {
  return RESOURCES.find((resource) => resource.typeId === typeId)?.indexed;
}

/** Any one of these opens `path`; who may manage may view. */
export function openingScopes(path, method) {
  const { view, manage = view.map((scope) => scope.replace(/^view_/, "manage_")) } = servedAt(path);
  return [...(method === "GET" ? view : []), ...manage, "manage_project"];
}
