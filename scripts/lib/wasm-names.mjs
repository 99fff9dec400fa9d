// The names of functions in a WebAssembly module. Only those of this crate's own code are kept, and shortened: they
// serve the stack of a panic, and all names, with their type parameters, took 184 kB of a compressed worker of 1033 kB.
// Derived functions, and instances of a library's code for a type of this crate, get no name: they are half of the
// names, 14 kB, and each is called by a function with a name.
//
// They also carry the wanted order of the functions, since wasm-opt sorts by name.
//
// Format: https://webassembly.github.io/spec/core/appendix/custom.html#name-section

import { importedFunctions, number, readerOf, section, text, withCustomSection } from "./wasm.mjs";

const FUNCTION_NAMES = 1;

const CRATE = "commercetools_klaviyo::";
const LONGEST = 60;

/** In the name of what is not this crate's own code. */
const FOREIGN = / as (?:alloc|core|serde_core)::|serde_json::/;

/** Of a crate, which the compiler may write behind its name. */
const HASH = /\[[0-9a-f]{12,16}\]/g;

const PLACE_DIGITS = 6;
const PLACE = new RegExp(`^\\d{${PLACE_DIGITS}} `);

/** The same module with its place in `order` before the name of each function that it defines. */
export function withPlaces(module, order) {
  const imported = importedFunctions(module);
  const places = new Map(order.map((nth, place) => [imported + nth, place]));
  return withFunctionNames(module, (names) =>
    names.map(({ index, name }) => {
      const place = String(places.get(index) ?? 0).padStart(PLACE_DIGITS, "0");
      return { index, name: `${place} ${name}` };
    }),
  );
}

/** The same module with the names of this crate's own functions only, and without their places. */
export function withShortNames(module) {
  return withFunctionNames(module, (names) =>
    names
      .map(({ index, name }) => ({ index, name: name.replace(PLACE, "").replaceAll(HASH, "") }))
      .filter(({ name }) => name.replace(/^[<&]+/, "").startsWith(CRATE) && !FOREIGN.test(name))
      .map(({ index, name }) => ({ index, name: short(name) })),
  );
}

function withFunctionNames(module, change) {
  return withCustomSection(module, "name", (content) => {
    const parts = [];
    const reader = readerOf(content);
    while (!reader.atEnd()) {
      const kind = reader.byte();
      const names = reader.bytes(reader.number());
      const changed = kind === FUNCTION_NAMES ? written(change(read(names))) : names;
      parts.push(section(kind, changed));
    }
    return Buffer.concat(parts);
  });
}

function read(content) {
  const reader = readerOf(content);
  return Array.from({ length: reader.number() }, () => ({
    index: reader.number(),
    name: reader.bytes(reader.number()).toString(),
  }));
}

function written(names) {
  const parts = names.flatMap(({ index, name }) => [number(index), text(name)]);
  return Buffer.concat([number(names.length), ...parts]);
}

/** Without the crate's name, and without its end if it is long. */
const short = (name) => name.replaceAll(CRATE, "").slice(0, LONGEST);
