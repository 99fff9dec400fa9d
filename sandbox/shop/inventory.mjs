// The shop's stock. With and without supply channels, sold out, with reservations; the mug, the
// repair service and the unpublished parka have no entry at all, so their stock is not tracked.

import { fixedId } from "./ids.mjs";
import { merinoSkus } from "./merino.mjs";
import { stockEntry } from "./product-parts.mjs";

const COUNTED = "2026-04-01T04:00:00.000Z";
const MUNICH = { channel: fixedId("channel", 1) };
const ZURICH = { channel: fixedId("channel", 2) };

/** [sku, quantity on stock, what else there is to it] */
const COUNTS = [
  ["STORM-W-S-BLU", 14],
  ["STORM-W-S-BLU", 3, MUNICH],
  ["STORM-W-S-BLU", 0, { ...ZURICH, restockableInDays: 10 }],
  ["STORM-W-M-BLU", 9, { reserved: 2 }],
  ["STORM-W-L-BLU", 0, { expectedDelivery: "2026-12-20T00:00:00.000Z", restockableInDays: 21 }],
  ["STORM-W-M-RED", 4, MUNICH], // in a store only
  ["CAIRN-28-GRY", 31],
  ["CAIRN-28-GRN", 1, { reserved: 1 }],
  ["VIA-42", 6],
  ["VIA-43", 12, ZURICH],
  ["VIA-43", 5],
  ["ROPE-STATIC-11", 4200],
  ["HUETTE-38", 20],
  ["LAMP-RIDGE", 0],
  ["DISCONTINUED-TENT", 2], // of a product that is gone
];

const merinoCounts = merinoSkus.map((sku, index) => [sku, (index * 7) % 23]);

export const inventory = [...COUNTS, ...merinoCounts].map(([sku, quantity, rest], index) =>
  stockEntry(fixedId("inventory-entry", index + 1), sku, COUNTED, quantity, rest),
);
