// The names of functions in a WebAssembly module, of which only those of this crate are kept, and short. They are there
// for the stack of a panic; all of them, with their type parameters, were 184 kB of a compressed worker of 1033 kB.
//
// Format: https://webassembly.github.io/spec/core/appendix/custom.html#name-section

const HEADER_BYTES = 8;
const FUNCTION_NAMES = 1;

const CRATE = "commercetools_klaviyo::";
const LONGEST = 60;

/** The same module with the names of this crate's functions only. */
export function withShortNames(module) {
  const parts = [module.subarray(0, HEADER_BYTES)];
  const reader = readerOf(module, HEADER_BYTES);
  while (!reader.atEnd()) {
    const from = reader.at();
    const id = reader.byte();
    const content = reader.bytes(reader.number());
    const names = id === 0 ? namesOf(content) : undefined;
    if (names) parts.push(section(0, shortened(names)));
    else parts.push(module.subarray(from, reader.at()));
  }
  return Buffer.concat(parts);
}

/** What is in a custom section, if it is the one with the names. */
function namesOf(content) {
  const reader = readerOf(content);
  const name = reader.bytes(reader.number()).toString();
  return name === "name" ? content.subarray(reader.at()) : undefined;
}

function shortened(content) {
  const parts = [text("name")];
  const reader = readerOf(content);
  while (!reader.atEnd()) {
    const kind = reader.byte();
    const names = reader.bytes(reader.number());
    if (kind === FUNCTION_NAMES) parts.push(section(kind, functions(names)));
    else parts.push(section(kind, names));
  }
  return Buffer.concat(parts);
}

function functions(content) {
  const reader = readerOf(content);
  const all = Array.from({ length: reader.number() }, () => ({
    index: reader.number(),
    name: reader.bytes(reader.number()).toString(),
  }));
  const kept = all.filter(({ name }) => name.replace(/^[<&]+/, "").startsWith(CRATE));
  const parts = kept.flatMap(({ index, name }) => [number(index), text(short(name))]);
  return Buffer.concat([number(kept.length), ...parts]);
}

/** Without the crate's name and the hashes of crates, and without its end if it is long. */
function short(name) {
  const plain = name.replaceAll(CRATE, "").replaceAll(/\[[0-9a-f]{12,16}\]/g, "");
  return plain.slice(0, LONGEST);
}

function section(id, content) {
  return Buffer.concat([Buffer.from([id]), number(content.length), content]);
}

function text(value) {
  const bytes = Buffer.from(value);
  return Buffer.concat([number(bytes.length), bytes]);
}

/** LEB128. */
function number(value) {
  const bytes = [];
  let rest = value;
  do {
    const more = rest >= 128;
    bytes.push((rest % 128) + (more ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return Buffer.from(bytes);
}

function readerOf(buffer, start = 0) {
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
