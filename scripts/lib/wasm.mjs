// A WebAssembly module in the form that the build reads and writes: a list of sections.
//
// Format: https://webassembly.github.io/spec/core/binary/modules.html

const HEADER_BYTES = 8;
const CUSTOM = 0;
const IMPORTS = 2;
const CODE = 10;

/** Kinds of import. The compiler makes no other: memory and tables are exported. */
const FUNCTION = 0;
const TAG = 4;

/** The module with the content of its custom section `name` replaced by what `change` makes of it. */
export function withCustomSection(module, name, change) {
  const parts = [module.subarray(0, HEADER_BYTES)];
  for (const { id, content, whole } of sectionsOf(module)) {
    const old = id === CUSTOM ? contentOfCustom(content, name) : undefined;
    parts.push(old ? section(CUSTOM, Buffer.concat([text(name), change(old)])) : whole);
  }
  return Buffer.concat(parts);
}

/** The bodies of the functions that a module defines, in their order. */
export function functionBodies(module) {
  const reader = readerOf(sectionOf(module, CODE));
  return Array.from({ length: reader.number() }, () => reader.bytes(reader.number()));
}

/** How many functions a module imports: the ones it defines are counted from there. */
export function importedFunctions(module) {
  const reader = readerOf(sectionOf(module, IMPORTS));
  let functions = 0;
  for (let rest = reader.number(); rest > 0; rest -= 1) {
    reader.bytes(reader.number());
    reader.bytes(reader.number());
    const kind = reader.byte();
    if (kind === FUNCTION) functions += 1;
    else if (kind === TAG) reader.byte();
    else throw new Error(`an import of kind ${kind}`);
    reader.number();
  }
  return functions;
}

export function section(id, content) {
  return Buffer.concat([Buffer.from([id]), number(content.length), content]);
}

export function text(value) {
  const bytes = Buffer.from(value);
  return Buffer.concat([number(bytes.length), bytes]);
}

/** LEB128. */
export function number(value) {
  const bytes = [];
  let rest = value;
  do {
    const more = rest >= 128;
    bytes.push((rest % 128) + (more ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}

export function readerOf(buffer, start = 0) {
  let at = start;
  const byte = () => {
    const value = buffer[at];
    at += 1;
    return value;
  };
  return {
    at: () => at,
    atEnd: () => at >= buffer.length,
    byte,
    number() {
      let value = 0;
      for (let factor = 1; ; factor *= 128) {
        const next = byte();
        value += (next % 128) * factor;
        if (next < 128) return value;
      }
    },
    bytes(length) {
      at += length;
      return buffer.subarray(at - length, at);
    },
  };
}

function sectionsOf(module) {
  const sections = [];
  const reader = readerOf(module, HEADER_BYTES);
  while (!reader.atEnd()) {
    const from = reader.at();
    const id = reader.byte();
    const content = reader.bytes(reader.number());
    sections.push({ id, content, whole: module.subarray(from, reader.at()) });
  }
  return sections;
}

function sectionOf(module, wanted) {
  return sectionsOf(module).find(({ id }) => id === wanted).content;
}

function contentOfCustom(content, wanted) {
  const reader = readerOf(content);
  const name = reader.bytes(reader.number()).toString();
  return name === wanted ? content.subarray(reader.at()) : undefined;
}
