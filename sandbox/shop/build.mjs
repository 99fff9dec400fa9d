// The small parts of every document in the shop: money, references, the members that all resources
// share. Shapes: reference Appendix B. No documents here.

import { fixedId } from "./ids.mjs";

/** Digits after the decimal separator, where they are not 2 (ISO 4217). */
const FRACTION_DIGITS = { JPY: 0, KWD: 3 };

export function money(currencyCode, centAmount) {
  const fractionDigits = FRACTION_DIGITS[currencyCode] ?? 2;
  return { type: "centPrecision", currencyCode, centAmount, fractionDigits };
}

/** `preciseAmount` in units of 10^-fractionDigits; `centAmount` is only its rounding. */
export function highPrecisionMoney(currencyCode, preciseAmount, fractionDigits) {
  const centDigits = money(currencyCode, 0).fractionDigits;
  const centAmount = Math.round(preciseAmount / 10 ** (fractionDigits - centDigits));
  return { type: "highPrecision", currencyCode, centAmount, preciseAmount, fractionDigits };
}

export function sum(amounts) {
  const total = amounts.reduce((cents, { centAmount }) => cents + centAmount, 0);
  return money(amounts[0].currencyCode, total);
}

export function reference(typeId, id) {
  return { typeId, id };
}

/** A reference to the nth document of a type of the sample shop. */
export function refTo(typeId, n) {
  return reference(typeId, fixedId(typeId, n));
}

/** What every resource has. `createdAt` alone means that it was never changed. */
export function resource(id, createdAt, { lastModifiedAt = createdAt, version } = {}) {
  const client = { clientId: fixedId("client", 1), isPlatformClient: false };
  return {
    id,
    version: version ?? (lastModifiedAt === createdAt ? 1 : 4),
    versionModifiedAt: lastModifiedAt,
    lastMessageSequenceNumber: 1,
    createdAt,
    lastModifiedAt,
    lastModifiedBy: client,
    createdBy: client,
  };
}

export function image(path, label) {
  const url = `https://images.fellweg.example/${path}.jpg`;
  return { url, dimensions: { w: 1200, h: 1500 }, ...(label && { label }) };
}
