// The shop for the torture: small, with many pages of ten, and with personal values that nothing else contains.

import { generateShop } from "../sandbox/shop/generate.mjs";

/** Customers, orders and products of each run. */
const SIZES = { customers: 45, orders: 60, products: 12, variantsPerProduct: 2 };

/**
 * Whatever comes first, the end is the same: nobody shares a phone number (of those who do, Klaviyo keeps one
 * profile or the other, by which it heard of first), and every customer has an address (without one, a profile has
 * that of an order or none, by which of the two was told last).
 */
export function tortureShop(sizes = {}) {
  const shop = structuredClone(generateShop({ ...SIZES, ...sizes }));
  shop.customers.forEach((customer, n) => {
    Object.assign(customer, {
      email: `jane.qx${n}@personal.example`,
      firstName: `Vornameqx${n}`,
      lastName: `Nachnameqx${n}`,
    });
    if (customer.addresses.length === 0) {
      customer.addresses = [
        { id: `home${n}`, country: "DE", city: "Talheim", postalCode: "10115" },
      ];
      customer.billingAddressIds = [`home${n}`];
    }
    for (const address of customer.addresses) {
      Object.assign(address, {
        firstName: customer.firstName,
        lastName: customer.lastName,
        streetName: `Straßeqx${n}`,
        streetNumber: "12",
        phone: `+4915123${String(400_000 + n)}`,
      });
    }
  });
  const emails = new Map(shop.customers.map(({ id, email }) => [id, email]));
  shop.orders.forEach((order, n) => {
    order.customerEmail = emails.get(order.customerId) ?? `guest.qx${n}@personal.example`;
    for (const address of [order.billingAddress, order.shippingAddress]) {
      if (!address) continue;
      Object.assign(address, { lastName: `Gastqx${n}`, streetName: `Gasseqx${n}` });
      delete address.phone;
    }
  });
  return shop;
}

/** Every e-mail address, name, phone number and street of the shop. */
export function personalValues({ customers, orders }) {
  const addresses = [
    ...customers.flatMap((customer) => customer.addresses),
    ...orders.flatMap(({ billingAddress, shippingAddress }) => [billingAddress, shippingAddress]),
  ].filter(Boolean);
  const values = [
    ...customers.flatMap(({ email, firstName, lastName }) => [email, firstName, lastName]),
    ...orders.map(({ customerEmail }) => customerEmail),
    ...addresses.flatMap(({ firstName, lastName, streetName, phone }) => [
      firstName,
      lastName,
      streetName,
      phone,
    ]),
  ];
  return [...new Set(values.filter(Boolean))];
}

/** An order of which `OrderCreated` is told. */
export const isPlaced = ({ orderState }) => orderState === "Open" || orderState === "Confirmed";
