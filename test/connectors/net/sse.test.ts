import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";

import { ChatError } from "../../../src/connectors/hub/error.ts";
import type { SseMessage } from "../../../src/connectors/hub/wire.ts";
import { createSseReader, readSse } from "../../../src/connectors/net/sse.ts";
import { FIXTURES, readRecordings, RECORDINGS } from "../../support/recordings.ts";
import { splitAt, splitAtRandom, splitEachByte } from "../../support/split.ts";

const TEXT = [
  ": OPENROUTER PROCESSING\n\n",
  'data: {"a":"é漢🎈"}\n\n',
  "event: ping\nid: 7\nretry: 1000\ndata: one\ndata: two\n\n",
  "data:no space\n\n",
  "data\n\n",
  "unknown: field\n\n",
  "data: [DONE]\n\n",
].join("");

const MESSAGES: readonly SseMessage[] = [
  { event: undefined, data: '{"a":"é漢🎈"}' },
  { event: "ping", data: "one\ntwo" },
  { event: undefined, data: "no space" },
  { event: undefined, data: "" },
  { event: undefined, data: "[DONE]" },
];

const LINE_ENDS = { LF: "\n", CRLF: "\r\n", CR: "\r" };

function read(pieces: readonly Uint8Array[]): readonly SseMessage[] {
  const reader = createSseReader();
  return [...pieces.flatMap((piece) => reader.push(piece)), ...reader.end()];
}

test("an error that stands bare behind the last message is a message of its own", () => {
  const error = { error: { code: 503, message: "overloaded" } };
  for (const text of [JSON.stringify(error), JSON.stringify([error], null, 2)]) {
    for (const lineEnd of Object.values(LINE_ENDS)) {
      const whole = `data: one\n\n${text}\n`.replaceAll("\n", lineEnd);
      expect(read(splitEachByte(whole))).toEqual([
        { event: undefined, data: "one" },
        { event: "error", data: JSON.stringify(error) },
      ]);
    }
  }
  expect(read(splitEachByte("data: one\n\n{not json\nnor: this\n"))).toEqual([
    { event: undefined, data: "one" },
  ]);
});

for (const [name, lineEnd] of Object.entries(LINE_ENDS)) {
  describe(`an event stream with ${name} line ends`, () => {
    const text = TEXT.replaceAll("\n", lineEnd);

    test("gives the same messages however its bytes are cut in two", () => {
      const { length } = new TextEncoder().encode(text);
      for (let position = 0; position <= length; position += 1) {
        expect(read(splitAt(text, position))).toEqual(MESSAGES);
      }
    });

    test("gives the same messages byte by byte", () => {
      expect(read(splitEachByte(text))).toEqual(MESSAGES);
    });

    test("gives the same messages behind a byte order mark", () => {
      expect(read(splitEachByte(`\u{feff}${text}`))).toEqual(MESSAGES);
    });
  });
}

test("recorded streams give the same messages with any line ends and any cuts", () => {
  const streams = [FIXTURES, RECORDINGS]
    .flatMap((root) => readRecordings(root).exchanges)
    .filter((exchange) => exchange.stream);
  expect(streams.length).toBeGreaterThan(0);
  for (const [index, { id, text }] of streams.entries()) {
    const plain = text.replaceAll(/\r\n|\r/g, "\n");
    const expected = read([new TextEncoder().encode(plain)]);
    for (const [name, lineEnd] of Object.entries(LINE_ENDS)) {
      for (let round = 0; round < 3; round += 1) {
        const pieces = splitAtRandom(plain.replaceAll("\n", lineEnd), 40, index * 3 + round);
        expect([id, name, read(pieces)]).toEqual([id, name, expected]);
      }
    }
  }
});

test("any messages come back out of the stream they were written to", () => {
  const character = fc.constantFrom(...Array.from('a1 :\0\t\u2028\u0085\u{feff}é漢🎈\\"{}'));
  const line = fc.string({ unit: character, maxLength: 30 });
  const message = fc.record({
    event: fc.option(
      line.filter((text) => text !== "" && !text.startsWith(" ")),
      { nil: undefined },
    ),
    data: fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => lines.join("\n")),
  });
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 6 }),
      fc.constantFrom(...Object.values(LINE_ENDS)),
      fc.integer(),
      (messages, lineEnd, seed) => {
        const text = messages
          .map(({ event, data }) => [
            ...(event === undefined ? [] : [`event: ${event}`]),
            ...data.split("\n").map((part) => `data: ${part}`),
            "",
            "",
          ])
          .map((lines) => lines.join(lineEnd))
          .join("");
        expect(read(splitAtRandom(text, 10, seed))).toEqual(messages);
      },
    ),
    { seed: 7, numRuns: 300 },
  );
});

test("a last message without its blank line is read, and half a line is read as far as it came", () => {
  expect(read(splitEachByte("data: a\n\ndata: [DONE]"))).toEqual([
    { event: undefined, data: "a" },
    { event: undefined, data: "[DONE]" },
  ]);
  expect(read(splitEachByte('data: {"a":1}\r\n'))).toEqual([{ event: undefined, data: '{"a":1}' }]);
});

test("bytes that are no UTF-8 cost only the character they stand for", () => {
  const bytes = new Uint8Array([...new TextEncoder().encode("data: a"), 0xff, 0x62, 0x0a, 0x0a]);
  expect(read([bytes])).toEqual([{ event: undefined, data: "a\u{fffd}b" }]);
});

test("a message that never ends is given up once it is longer than any message may be", () => {
  const reader = createSseReader(1000);
  const piece = new TextEncoder().encode(`data: ${"x".repeat(300)}`);
  const feed = (): void => {
    for (let count = 0; count < 5; count += 1) reader.push(piece);
  };
  expect(feed).toThrow(ChatError);
  expect(feed).toThrow();
});

test("endless data lines without a blank one are given up too", () => {
  const reader = createSseReader(1000);
  const piece = new TextEncoder().encode(`data: ${"x".repeat(300)}\n`);
  expect(() => {
    for (let count = 0; count < 5; count += 1) reader.push(piece);
  }).toThrow("longer than 1000 characters");
});

test("many messages of together more than that are no fault", () => {
  const reader = createSseReader(1000);
  const piece = new TextEncoder().encode(`data: ${"x".repeat(300)}\n\n`);
  let count = 0;
  for (let round = 0; round < 50; round += 1) count += reader.push(piece).length;
  expect(count).toBe(50);
});

test("leaving the messages closes the stream they come from", async () => {
  let isOpen = true;
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield new TextEncoder().encode("data: a\n\n");
    } finally {
      isOpen = false;
    }
  }
  for await (const messages of readSse(bytes())) {
    expect(messages).toEqual([{ event: undefined, data: "a" }]);
    break;
  }
  expect(isOpen).toBe(false);
});
