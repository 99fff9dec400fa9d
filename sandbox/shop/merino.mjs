// The product with the most variants that the API allows: 100 in all (the limit per product; the
// master variant is one of them), ten colours in ten sizes.

import { image, money, refTo } from "./build.mjs";
import { fixedId } from "./ids.mjs";
import { allVariants, price, product, variant } from "./product-parts.mjs";

const COLORS = [
  { code: "BLK", en: "black", de: "schwarz" },
  { code: "NVY", en: "navy", de: "marine" },
  { code: "GRN", en: "pine green", de: "tannengrün" },
  { code: "OCH", en: "ochre", de: "ocker" },
  { code: "RST", en: "rust", de: "rost" },
  { code: "BER", en: "berry", de: "beere" },
  { code: "SKY", en: "sky blue", de: "himmelblau" },
  { code: "SND", en: "sand", de: "sand" },
  { code: "GRY", en: "grey", de: "grau" },
  { code: "WHT", en: "white", de: "weiß" },
];
const SIZES = ["XXS", "XS", "S", "M", "L", "XL", "XXL", "3XL", "4XL", "5XL"];

function merinoVariant({ code, ...color }, size, index) {
  return variant(index + 1, `MER150-${code}-${size}`, {
    prices: [price(money("EUR", 7990)), price(money("GBP", 6900), { country: "GB" })],
    images: [image(`merino-150-${code.toLowerCase()}`, color.en)],
    brand: "Fellweg",
    size,
    color,
    weight: 160 + 5 * SIZES.indexOf(size),
    materials: ["merino wool", "polyamide"],
  });
}

const pairs = COLORS.flatMap((color) => SIZES.map((size) => [color, size]));

export const merino = product(fixedId("product", 2), "merino-150", "2024-08-20T09:00:00.000Z", {
  lastModifiedAt: "2026-01-15T10:00:00.000Z",
  data: {
    name: { en: "Merino 150 long sleeve", de: "Merino 150 Langarm" },
    slug: { en: "merino-150-long-sleeve", de: "merino-150-langarm" },
    description: { en: "A base layer for every day of the tour.", de: "Die erste Schicht." },
    categories: [refTo("category", 5)],
  },
  variants: pairs.map(([color, size], index) => merinoVariant(color, size, index)),
});

export const merinoSkus = allVariants(merino).map(({ sku }) => sku);
