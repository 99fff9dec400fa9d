// Ids in the form of Klaviyo's: ULIDs, 26 characters, ascending in the order of creation.
//
// For: profiles, events and jobs. Deterministic for a given clock: a counter replaces the random
// part.
// Not for: the ids of errors, which are random UUIDs like Klaviyo's.

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford's base 32

export function createIds({ now }) {
  let counter = 0;
  return () => {
    counter += 1;
    return encode(now(), 10) + encode(counter, 16);
  };
}

function encode(value, length) {
  let rest = value;
  let text = "";
  for (let index = 0; index < length; index += 1) {
    text = ALPHABET[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}
