/**
 * The ways in which a network may cut the bytes of an event stream. Each gives pieces that add up to the whole; whoever
 * sends them makes sure that each travels alone.
 */

const encoder = new TextEncoder();

/** One piece. */
export function whole(text: string): readonly Uint8Array[] {
  return [encoder.encode(text)];
}

/** Two pieces, the second beginning at byte `position`. */
export function splitAt(text: string, position: number): readonly Uint8Array[] {
  const bytes = encoder.encode(text);
  return [bytes.subarray(0, position), bytes.subarray(position)];
}

/** A piece for each byte. */
export function splitEachByte(text: string): readonly Uint8Array[] {
  const bytes = encoder.encode(text);
  return Array.from(bytes, (_, index) => bytes.subarray(index, index + 1));
}

/** About `count` pieces at places that `seed` decides, so that a failing run can be repeated. */
export function splitAtRandom(text: string, count: number, seed: number): readonly Uint8Array[] {
  const bytes = encoder.encode(text);
  const random = createRandom(seed);
  const places = new Set<number>();
  for (let index = 1; index < count; index += 1) {
    places.add(1 + Math.floor(random() * Math.max(1, bytes.length - 1)));
  }
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const place of [...places].toSorted((a, b) => a - b)) {
    pieces.push(bytes.subarray(from, place));
    from = place;
  }
  pieces.push(bytes.subarray(from));
  return pieces;
}

/** How many bytes `text` has on the wire. */
export function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** The same stream from a server that ends lines as HTTP does. */
export function toCrlf(text: string): string {
  return text.replaceAll(/\r\n|\r|\n/g, "\r\n");
}

/** Numbers in [0, 1) that a seed decides (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
