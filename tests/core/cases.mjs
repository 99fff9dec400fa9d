// The golden bodies for tests in JavaScript. cases.rs explains the format of a case.

import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("cases/", import.meta.url));

/** What every case sends: its `file`, the `request` (`METHOD /path`) and the `body`, `null` for none. */
export function goldenBodies() {
  const bases = Object.fromEntries(
    jsonFiles(`${folder}base/`).map((path) => [basename(path, ".json"), read(path)]),
  );
  return jsonFiles(folder).flatMap((path) => {
    const { given, then } = read(path);
    const { sent = [] } = expanded(then, { ...bases, ...given });
    return sent.map(([request, body]) => ({ file: basename(path), request, body }));
  });
}

function jsonFiles(path) {
  const names = readdirSync(path).filter((name) => name.endsWith(".json"));
  return names.sort().map((name) => path + name);
}

function read(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** A value as it is, without bases. */
function expanded(value, bases) {
  if (Array.isArray(value)) return value.map((member) => expanded(member, bases));
  if (!isObject(value)) return value;
  const { $base, ...members } = value;
  if ($base === undefined) return laidOver({}, members, bases);
  if (!Object.hasOwn(bases, $base)) throw new Error(`there is no base ${$base}`);
  return laidOver(expanded(bases[$base], bases), members, bases);
}

function laidOver(base, { $without = [], ...members }, bases) {
  const whole = { ...base };
  for (const name of $without) delete whole[name];
  for (const [name, value] of Object.entries(members)) {
    const merged = isObject(whole[name]) && isObject(value) && value.$base === undefined;
    whole[name] = merged ? laidOver(whole[name], value, bases) : expanded(value, bases);
  }
  return whole;
}
