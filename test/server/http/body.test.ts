/** What of a body gets in: text in UTF-8, byte for byte, however it arrives. */
import { describe, expect, test } from "bun:test";
import { isUtf8 } from "node:buffer";
import * as fc from "fast-check";

import { ChatError } from "../../../src/connectors/hub/error.ts";
import { readBody } from "../../../src/server/http/body.ts";

const LIMITS = { maxBodyBytes: 10_000, maxDepth: 20, onArrived: () => undefined };
const BOM = [0xef, 0xbb, 0xbf];

/** The bytes as a body of a known length, and in pieces of one byte each. */
const WAYS: readonly (readonly [string, (bytes: Uint8Array<ArrayBuffer>) => Request])[] = [
  [
    "whole",
    (bytes) =>
      new Request("http://localhost/", {
        method: "POST",
        body: bytes,
        headers: { "content-length": String(bytes.length) },
      }),
  ],
  [
    "in pieces",
    (bytes) =>
      new Request("http://localhost/", {
        method: "POST",
        body: new ReadableStream({
          start(controller) {
            for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
            controller.close();
          },
        }),
      }),
  ],
];

async function refusalOf(request: Request): Promise<ChatError> {
  const thrown = await readBody(request, LIMITS).catch((error: unknown) => error);
  if (thrown instanceof ChatError) return thrown;
  throw new Error("it was let in");
}

describe.each(WAYS)("a body that arrives %s", (_, send) => {
  test.each([
    ["plain", "{}"],
    ["empty", ""],
    ["of many tongues", '{"a":"é 世界 🙂 \0"}'],
    ["with replacement characters of its own", '{"\ufffd":"\ufffd\ufffd🙂\ufffd"}'],
  ])("is read as it was written: %s", async (_name, text) => {
    expect(await readBody(send(new TextEncoder().encode(text)), LIMITS)).toBe(text);
  });

  test("may begin with a byte order mark, which is no part of its text", async () => {
    const marked = Uint8Array.of(...BOM, ...new TextEncoder().encode('{"a":"\ufffd"}'));
    expect(await readBody(send(marked), LIMITS)).toBe('{"a":"\ufffd"}');
  });

  test.each<[string, number[], number]>([
    ["a byte that is never one of UTF-8", [0x22, 0xff, 0x22], 1],
    ["Latin-1", [0x61, 0xe9, 0x61], 1],
    ["a character cut off in the middle", [0x61, 0xf0, 0x9f, 0x98, 0x61], 1],
    ["a character cut off by the end", [0x61, 0x61, 0xf0, 0x9f, 0x98], 2],
    ["UTF-16", [0xff, 0xfe, 0x7b, 0, 0x7d, 0], 0],
    ["what begins like UTF-16", [0xff, 0xfe, 0x61], 0],
    ["half of a surrogate pair", [0xed, 0xa0, 0x80], 0],
    ["a character in too many bytes", [0x61, 0xc0, 0x80], 1],
    ["a fault behind a replacement character", [0xc3, 0xa9, 0xef, 0xbf, 0xbd, 0x61, 0x80], 6],
    ["a fault behind a byte order mark", [...BOM, 0x61, 0x80], 4],
  ])("is refused for %s, and told where", async (_name, bytes, offset) => {
    const error = await refusalOf(send(Uint8Array.from(bytes)));
    expect(error).toMatchObject({ kind: "invalid-request", code: "invalid_utf8" });
    expect(error.message).toContain(`byte ${offset} `);
  });

  test("is read if it is UTF-8, else refused where it first is not", async () => {
    const piece = fc.oneof(
      fc.constantFrom("a", "é", "世", "🙂", "\ufffd", "\ufeff").map((text) => Buffer.from(text)),
      fc.uint8Array({ minLength: 1, maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const bytes = Uint8Array.from(Buffer.concat(pieces));
        if (isUtf8(bytes)) {
          expect(await readBody(send(bytes), LIMITS)).toBe(new TextDecoder().decode(bytes));
          return;
        }
        const offset = Number(/byte (\d+) /.exec((await refusalOf(send(bytes))).message)?.[1]);
        expect(isUtf8(bytes.subarray(0, offset))).toBe(true);
        for (let length = 1; length <= 4; length++) {
          const next = bytes.subarray(offset, offset + length);
          expect(next.length === length && isUtf8(next)).toBe(false);
        }
      }),
    );
  });
});
