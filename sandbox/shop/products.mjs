// The shop's products (the one with a hundred variants is in merino.mjs). Each represents a
// situation that a catalogue sync must get right; the comment above it says which.

import { highPrecisionMoney, image, money, refTo } from "./build.mjs";
import { fixedId } from "./ids.mjs";
import { inventory } from "./inventory.mjs";
import { merino } from "./merino.mjs";
import { discounted, price, product, variant, withAvailability } from "./product-parts.mjs";

const eur = (cents) => money("EUR", cents);
const BLUE = { en: "glacier blue", de: "gletscherblau", fr: "bleu glacier" };
const RED = { en: "signal red", de: "signalrot", fr: "rouge signal" };

/** Every scope that a price can have; expired and future ones stay in the list, as in the API. */
const stormPrices = [
  price(eur(17500), { customerGroup: refTo("customer-group", 1) }),
  price(eur(15900), {
    validFrom: "2024-11-25T00:00:00.000Z",
    validUntil: "2024-12-02T00:00:00.000Z",
  }),
  price(eur(21900), { validFrom: "2098-01-01T00:00:00.000Z" }),
  price(eur(18900), { channel: refTo("channel", 1) }),
  price(eur(19950), { country: "DE" }),
  price(eur(19990), { tiers: [{ minimumQuantity: 10, value: eur(17990) }] }),
  price(money("CHF", 21900), { country: "CH" }),
  price(money("GBP", 17900), { country: "GB" }),
  price(money("USD", 22900), { country: "US" }),
  price(money("JPY", 32800)),
];

function storm(id, size, color, code, prices = stormPrices) {
  return variant(id, `STORM-W-${size}-${code}`, {
    prices,
    images: [image(`storm-hollow-${code.toLowerCase()}`, color.en), image("storm-hollow-hood")],
    brand: "Fellweg",
    size,
    color,
    waterproof: true,
    weight: 412,
    materials: ["recycled nylon", "ePTFE-free membrane"],
    fit: { key: "slim", label: "Slim" },
  });
}

/** In three languages; its staged data differ from the current ones; one variant is reduced. */
const stormHollow = product(fixedId("product", 1), "storm-hollow-w", "2024-02-01T08:00:00.000Z", {
  lastModifiedAt: "2026-06-03T12:00:00.000Z",
  data: {
    name: {
      en: "Storm Hollow rain jacket",
      de: "Regenjacke Storm Hollow",
      fr: "Veste Storm Hollow",
    },
    slug: { en: "storm-hollow", de: "regenjacke-storm-hollow", fr: "veste-storm-hollow" },
    description: {
      en: 'Three layers, 412 g, and a hood that stays up. "The only jacket I pack." – M. MacLeod',
      de: "Drei Lagen, 412 g, und eine Kapuze, die sitzt.",
      fr: "Trois couches, 412 g, et une capuche qui tient.",
    },
    categories: [refTo("category", 3), refTo("category", 13)],
  },
  staged: { name: { en: "Storm Hollow II rain jacket", de: "Regenjacke Storm Hollow II" } },
  variants: [
    storm(1, "S", BLUE, "BLU"),
    storm(2, "M", BLUE, "BLU"),
    storm(3, "L", BLUE, "BLU"),
    storm(4, "M", RED, "RED", [price(eur(19990), discounted(eur(14990)))]),
  ],
});

/** The third variant has no SKU. */
const cairn = product(fixedId("product", 3), "cairn-28", "2024-05-05T08:00:00.000Z", {
  type: 2,
  data: {
    name: { en: "Cairn 28 backpack", de: "Rucksack Cairn 28" },
    slug: { en: "cairn-28", de: "rucksack-cairn-28" },
    categories: [refTo("category", 10)],
  },
  variants: ["CAIRN-28-GRY", "CAIRN-28-GRN", undefined].map((sku, index) =>
    variant(index + 1, sku, {
      key: sku ?? "cairn-28-sample",
      prices: [price(eur(12900)), price(money("USD", 13900))],
      images: [image(`cairn-28-${index + 1}`)],
      brand: "Nordpfad",
      volume: 28,
    }),
  ),
});

/** Never published: `current` has data all the same. */
const parka = product(fixedId("product", 4), "frostline-parka", "2026-06-20T15:00:00.000Z", {
  published: false,
  data: {
    name: { en: "Frostline parka" },
    slug: { en: "frostline-parka" },
    categories: [refTo("category", 4)],
  },
  variants: [variant(1, "FROST-M", { prices: [price(eur(34900))], brand: "Fellweg", size: "M" })],
});

/** Its prices are standalone ones (standalone-prices.mjs). */
const viaBoots = product(fixedId("product", 5), "via-boots", "2025-01-10T08:00:00.000Z", {
  priceMode: "Standalone",
  data: {
    name: { en: "Via approach boots", de: "Zustiegsschuh Via", fr: "Chaussures Via" },
    slug: { en: "via-approach-boots", de: "zustiegsschuh-via", fr: "chaussures-via" },
    description: { en: "Sticky rubber, stiff edge.", de: "Griffige Sohle, steife Kante." },
    categories: [refTo("category", 11)],
  },
  variants: ["42", "43"].map((size, index) =>
    variant(index + 1, `VIA-${size}`, { images: [image("via-boots")], brand: "Nordpfad", size }),
  ),
});

/** Sold by the metre, at a price of less than a cent's precision. */
const rope = product(fixedId("product", 6), "static-rope-11", "2024-04-04T08:00:00.000Z", {
  type: 2,
  data: {
    name: { en: "Static rope 11 mm, per metre", de: "Statikseil 11 mm, Meterware" },
    slug: { en: "static-rope-11", de: "statikseil-11" },
    categories: [refTo("category", 12)],
  },
  variants: [
    variant(1, "ROPE-STATIC-11", {
      prices: [price(highPrecisionMoney("EUR", 23_455, 4))],
      images: [image("static-rope-11")],
      brand: "Seilerei Anger",
    }),
  ],
});

/** Without English. */
const slippers = product(fixedId("product", 7), "huettenschuh", "2025-09-09T08:00:00.000Z", {
  data: {
    name: { de: "Hüttenschuh Loden", fr: "Chausson de refuge" },
    slug: { de: "huettenschuh-loden", fr: "chausson-de-refuge" },
    description: { de: "Aus Walkloden, mit Ledersohle." },
    categories: [refTo("category", 11)],
  },
  variants: [
    variant(1, "HUETTE-38", {
      prices: [price(eur(5490)), price(money("CHF", 5900), { country: "CH" })],
      images: [image("huettenschuh")],
      brand: "Fellweg",
      size: "38",
    }),
  ],
});

/** In no category, without a picture, its stock not tracked. */
const mug = product(fixedId("product", 8), "enamel-mug", "2024-10-01T08:00:00.000Z", {
  type: 2,
  data: {
    name: { en: "Enamel mug", de: "Emaillebecher" },
    slug: { en: "enamel-mug", de: "becher" },
  },
  variants: [variant(1, "MUG-ENAMEL", { prices: [price(eur(1290))], brand: "Fellweg" })],
});

/** Sold out. */
const headlamp = product(fixedId("product", 9), "ridge-headlamp", "2024-12-01T08:00:00.000Z", {
  type: 2,
  data: {
    name: { en: "Ridge 400 headlamp", de: "Stirnlampe Ridge 400" },
    slug: { en: "ridge-400-headlamp", de: "stirnlampe-ridge-400" },
    categories: [refTo("category", 9), refTo("category", 13)],
  },
  variants: [
    variant(1, "LAMP-RIDGE", {
      prices: [price(eur(6995)), price(money("JPY", 11_000))],
      images: [image("ridge-400")],
      brand: "Lumenwerk",
    }),
  ],
});

/** Published, but without any price. */
const repair = product(fixedId("product", 10), "repair-service", "2025-03-03T08:00:00.000Z", {
  type: 2,
  data: {
    name: { en: "Repair service", de: "Reparatur" },
    slug: { en: "repair-service", de: "reparatur" },
    categories: [refTo("category", 9)],
  },
  variants: [variant(1, "REPAIR", { images: [image("workshop")] })],
});

export const products = withAvailability(
  [...[cairn, repair, stormHollow, headlamp, parka], ...[merino, mug, viaBoots, slippers, rope]],
  inventory,
);
