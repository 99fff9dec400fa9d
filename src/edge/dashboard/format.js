// Numbers, times and durations in the viewer's language and zone. The Worker sends times in UTC.

import { el } from "./dom.js";

const plain = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });
const today = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const other = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const number = (value) => plain.format(value);
export const rounded = (value) => short.format(value);
export const share = (part, whole) => percent.format(whole > 0 ? part / whole : 0);

/** An amount with the digits of its currency: "328.27 EUR", "41,000 JPY". */
export function amount(value, currency) {
  if (!/^[A-Z]{3}$/.test(currency ?? "")) return number(value);
  const style = { style: "currency", currency };
  const { maximumFractionDigits } = new Intl.NumberFormat(undefined, style).resolvedOptions();
  const digits = { minimumFractionDigits: maximumFractionDigits, maximumFractionDigits };
  return `${new Intl.NumberFormat(undefined, digits).format(value)} ${currency}`;
}

/** A number with the word for it: "1 record", "2 records". */
export const counted = (count, one, many = `${one}s`) =>
  `${number(count)} ${count === 1 ? one : many}`;

/** A time as text: for today only the time of day. */
export function when(iso) {
  const date = new Date(iso);
  const isToday = date.toDateString() === new Date().toDateString();
  return (isToday ? today : other).format(date);
}

/** A time as an element, with UTC in its title. */
export const time = (iso) => el("time", { datetime: iso, title: `${iso} (UTC)` }, when(iso));

/** A duration in its two largest units: "2 h 5 min". */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts = [
    [Math.floor(seconds / 86400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "under 1 s";
  const shown = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return shown.map(([count, unit]) => `${count} ${unit}`).join(" ");
}

/** A name at the beginning of a sentence. */
export const title = (name) => name[0].toUpperCase() + name.slice(1);
