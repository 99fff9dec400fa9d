// The order of the functions in a WebAssembly module. gzip only finds repetitions within 32 kB, and the compiler leaves
// the copies of a generic function megabytes apart: brought together, they reduce the compressed worker from 1,211 KiB
// to 1,085. The program does not depend on the order.

/** How many bytes are compared at a time. gzip gains little from what is shorter. */
const PIECE_BYTES = 6;

/** A piece that more functions have than these is in every window anyway. */
const TOO_COMMON = 256;

/** How many bytes are looked back on: gzip's window, less the function itself. */
const WINDOW_BYTES = 30_000;

/**
 * The numbers of `bodies` in an order that puts each where the bytes before it have most in common with it. The same
 * bodies always come in the same order.
 */
export function likeBesideLike(bodies) {
  const pieces = sharedPieces(bodies);
  // Between the most in common, which would take the long ones first, and the most per byte, the short ones.
  const weights = bodies.map(({ length }) => 1 / Math.sqrt(length));
  const inCommon = new Int32Array(bodies.length);
  const left = new Set(bodies.keys());
  const order = [];
  let window = 0;
  let oldest = 0;
  while (left.size > 0) {
    const next = best(left, (nth) => inCommon[nth] * weights[nth]);
    left.delete(next);
    order.push(next);
    window += bodies[next].length;
    for (const piece of pieces[next]) {
      piece.inWindow += 1;
      if (piece.inWindow === 1) for (const owner of piece.owners) inCommon[owner] += 1;
    }
    for (; window > WINDOW_BYTES; oldest += 1) {
      window -= bodies[order[oldest]].length;
      for (const piece of pieces[order[oldest]]) {
        piece.inWindow -= 1;
        if (piece.inWindow === 0) for (const owner of piece.owners) inCommon[owner] -= 1;
      }
    }
  }
  return order;
}

/** For each body its pieces that others have too. A piece is one object, however many bodies have it. */
function sharedPieces(bodies) {
  const known = new Map();
  bodies.forEach((body, nth) => {
    for (let at = 0; at + PIECE_BYTES <= body.length; at += 1) {
      const bytes = body.readUIntLE(at, PIECE_BYTES);
      const piece = known.get(bytes);
      if (piece === undefined) known.set(bytes, { owners: [nth], inWindow: 0 });
      else if (piece.owners.at(-1) !== nth) piece.owners.push(nth);
    }
  });
  const pieces = bodies.map(() => []);
  for (const piece of known.values()) {
    const { owners } = piece;
    if (owners.length > 1 && owners.length <= TOO_COMMON) {
      for (const nth of owners) pieces[nth].push(piece);
    }
  }
  return pieces;
}

/** The first of those with the highest score. */
function best(candidates, score) {
  let found;
  let highest = Number.NEGATIVE_INFINITY;
  for (const candidate of candidates) {
    const reached = score(candidate);
    if (reached > highest) {
      found = candidate;
      highest = reached;
    }
  }
  return found;
}
