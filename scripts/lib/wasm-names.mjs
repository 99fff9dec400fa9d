// The names of functions in a WebAssembly module, made short. They are there for the stack of a panic; with all their
// type parameters they are 184 kB of a compressed worker of 1033 kB, cut to 60 characters 70 kB.
//
// Format: https://webassembly.github.io/spec/core/appendix/custom.html#name-section

const HEADER_BYTES = 8;
const FUNCTION_NAMES = 1;

/** The same module, with at most so many characters of each name. */
export function withShortNames(module, most = 60) {
  const parts = [module.subarray(0, HEADER_BYTES)];
  const reader = readerOf(module, HEADER_BYTES);
  while (!reader.atEnd()) {
    const from = reader.at();
    const id = reader.byte();
    const content = reader.bytes(reader.number());
    const names = id === 0 ? namesOf(content) : undefined;
    if (names) parts.push(section(0, shortened(names, most)));
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

function shortened(content, most) {
  const parts = [text("name")];
  const reader = readerOf(content);
  while (!reader.atEnd()) {
    const kind = reader.byte();
    const names = reader.bytes(reader.number());
    if (kind === FUNCTION_NAMES) parts.push(section(kind, functions(names, most)));
    else parts.push(section(kind, names));
  }
  return Buffer.concat(parts);
}

function functions(content, most) {
  const reader = readerOf(content);
  const count = reader.number();
  const parts = [number(count)];
  for (let n = 0; n < count; n += 1) {
    parts.push(number(reader.number()));
    parts.push(text(short(reader.bytes(reader.number()).toString(), most)));
  }
  return Buffer.concat(parts);
}

/** Without the hashes of crates, and without its end if it is long. */
function short(name, most) {
  return name.replaceAll(/\[[0-9a-f]{12,16}\]/g, "").slice(0, most);
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
