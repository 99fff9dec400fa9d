// The payments of the shop's orders. For refunds: none, one, two with one pending, one after a
// failed attempt (and without a time), and one of a payment that belongs to no order yet.

import { money, reference, resource } from "./build.mjs";
import { fixedId } from "./ids.mjs";
import { orders } from "./orders.mjs";

/** `transactions` are [type, state, cents (the whole by default), timestamp]. */
function payment(
  n,
  createdAt,
  amountPlanned,
  { method = "card", customerId, lastModifiedAt, transactions },
) {
  return {
    ...resource(fixedId("payment", n), createdAt, { lastModifiedAt }),
    ...(customerId && { customer: reference("customer", customerId) }),
    interfaceId: `psp-${7_000 + n}`,
    amountPlanned,
    paymentMethodInfo: { paymentInterface: "ExamplePay", method, name: { en: method } },
    paymentStatus: { interfaceCode: "ok" },
    transactions: transactions.map(([type, state, cents, timestamp], index) => ({
      id: fixedId("transaction", 10 * n + index),
      ...(timestamp && { timestamp }),
      type,
      amount: money(amountPlanned.currencyCode, cents ?? amountPlanned.centAmount),
      interactionId: `psp-${7_000 + n}-${index}`,
      state,
    })),
    interfaceInteractions: [],
  };
}

/** The payment of the order that refers to it, over all that the order costs. */
function paymentOfOrder(n, createdAt, rest) {
  const id = fixedId("payment", n);
  const order = orders.find(({ paymentInfo }) =>
    paymentInfo?.payments.some((ref) => ref.id === id),
  );
  return payment(n, createdAt, order.taxedPrice.totalGross, {
    customerId: order.customerId,
    ...rest,
  });
}

export const payments = [
  paymentOfOrder(4, "2026-03-01T11:10:58.000Z", {
    lastModifiedAt: "2026-03-05T08:44:58.000Z",
    transactions: [
      ["Charge", "Success", undefined, "2026-03-01T11:11:05.000Z"],
      ["Refund", "Success", 11800, "2026-03-04T15:00:00.000Z"],
      ["Refund", "Pending", 21900, "2026-03-05T08:44:58.000Z"],
    ],
  }),
  paymentOfOrder(1, "2026-05-02T16:41:20.000Z", {
    method: "paypal",
    transactions: [["Authorization", "Success", undefined, "2026-05-02T16:41:22.000Z"]],
  }),
  paymentOfOrder(6, "2025-12-03T13:36:00.000Z", {
    lastModifiedAt: "2025-12-29T08:00:00.000Z",
    transactions: [
      ["Charge", "Success", undefined, "2025-12-03T13:36:30.000Z"],
      ["Refund", "Failure", 12900, "2025-12-28T08:00:00.000Z"],
      ["Refund", "Success", 12900],
    ],
  }),
  paymentOfOrder(2, "2026-04-18T07:12:30.000Z", {
    transactions: [
      ["Authorization", "Success", undefined, "2026-04-18T07:12:31.000Z"],
      ["Charge", "Success", undefined, "2026-04-19T06:00:00.000Z"],
    ],
  }),
  paymentOfOrder(3, "2026-01-22T21:29:50.000Z", {
    lastModifiedAt: "2026-02-14T10:20:30.400Z",
    transactions: [
      ["Charge", "Success", undefined, "2026-01-22T21:29:55.000Z"],
      ["Refund", "Success", 13900, "2026-02-14T10:20:30.000Z"],
    ],
  }),
  paymentOfOrder(5, "2026-06-11T19:07:30.000Z", {
    method: "invoice",
    transactions: [["Charge", "Initial"]],
  }),
  payment(7, "2026-06-15T10:00:00.000Z", money("EUR", 5490), {
    transactions: [
      ["Charge", "Success", undefined, "2026-06-15T10:00:01.000Z"],
      ["Refund", "Success", 5490, "2026-06-15T10:00:02.000Z"],
    ],
  }),
];
