/** Whatever comes is read, or refused as what it is: nothing breaks the wire from outside. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";

import { ChatError } from "../../../../src/connectors/hub/error.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../../src/connectors/hub/json.ts";
import { anthropicMessagesProvider as provider } from "../../../../src/connectors/wire/anthropic-messages/egress.ts";
import { anthropicMessagesClient as client } from "../../../../src/connectors/wire/anthropic-messages/ingress.ts";
import { lower } from "../../../../src/connectors/wire/anthropic-messages/lower.ts";
import { FIXTURES, payloads, readRecordings } from "../../../support/recordings.ts";
import { CONTEXT } from "../machines.ts";
import { expectGrammar, messagesOf } from "./_machines.ts";
import { parseObject } from "../../../support/json.ts";

const { exchanges } = readRecordings(FIXTURES, "anthropic-messages");
const golden = parseObject(
  await Bun.file(
    `${import.meta.dir}/../../../fixtures/anthropic-messages/request-blocks.json`,
  ).text(),
);

/** Where something stands inside a value. */
type Path = readonly (string | number)[];

function pathsIn(value: Json, path: Path = []): Path[] {
  if (Array.isArray(value)) {
    return [path, ...value.flatMap((item, index) => pathsIn(item, [...path, index]))];
  }
  if (!isJsonObject(value)) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([name, item]) => pathsIn(item ?? null, [...path, name])),
  ];
}

/** The value with something else at one place; undefined takes it away. */
function replaced(value: Json, [step, ...rest]: Path, other: Json | undefined): Json | undefined {
  if (step === undefined) return other;
  if (Array.isArray(value)) {
    return value.flatMap((item, index): Json[] => {
      const changed = index === step ? replaced(item, rest, other) : item;
      return changed === undefined ? [] : [changed];
    });
  }
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) => {
      const changed = name === step ? replaced(item ?? null, rest, other) : (item ?? null);
      return changed === undefined ? [] : [[name, changed] as const];
    }),
  );
}

const strange = fc.oneof(
  fc.constant(undefined),
  fc.jsonValue({ maxDepth: 2 }).map((value): Json => JSON.parse(JSON.stringify(value))),
  fc.constantFrom<Json>("", 0, -1, 1e21, [], {}, null, "tool_use", { type: "text" }),
);

/** What an action gives, or undefined where it refuses with an error of the house. */
function refusedOr<Result>(action: () => Result): Result | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof ChatError && error.kind !== "internal") return undefined;
    throw error;
  }
}

const bodies: readonly JsonObject[] = [
  ...exchanges.map(({ body }) => body),
  ...(isJsonObject(golden["request"]) && isJsonObject(golden["request"]["body"])
    ? [golden["request"]["body"]]
    : []),
];

test("a request with anything at any place is read and can be written, or is refused by name", () => {
  const places = bodies.flatMap((body) => pathsIn(body).map((path) => ({ body, path })));
  expect(places.length).toBeGreaterThan(100);
  fc.assert(
    fc.property(fc.constantFrom(...places), strange, ({ body, path }, other) => {
      const changed = replaced(body, path, other) ?? null;
      const request = refusedOr(() => client.decodeRequest(JSON.stringify(changed)));
      if (request === undefined) return;
      for (const model of ["claude-opus-5-5", "claude-sonnet-4-5", "claude-3-haiku", "kimi-k3"]) {
        lower(request, model, () => undefined);
        refusedOr(() => provider.encodeRequest(request, model, {}, () => undefined));
      }
    }),
    { seed: 11, numRuns: 1500 },
  );
});

/** Streams as lists of messages, and whole replies as lists of one. */
const answers = exchanges.map(({ stream, text }) =>
  stream ? payloads(text).map((data) => parseObject(data)) : [parseObject(text)],
);

test("a reply and a stream with anything at any place are read, or told to be bad", () => {
  const places = answers.flatMap((messages) =>
    messages.flatMap((message, at) => pathsIn(message).map((path) => ({ messages, at, path }))),
  );
  fc.assert(
    fc.property(fc.constantFrom(...places), strange, ({ messages, at, path }, other) => {
      const changed = messages.map((message, index) =>
        index === at ? (replaced(message, path, other) ?? null) : message,
      );
      const [first] = changed;
      if (messages.length === 1) {
        refusedOr(() => provider.decodeReply(isJsonObject(first) ? first : {}, {}));
        return;
      }
      const decoder = provider.decodeStream({});
      const translated = client.encodeStream(CONTEXT);
      const passed = client.encodeStream(CONTEXT);
      let written = "";
      refusedOr(() => {
        for (const message of changed) {
          const data = JSON.stringify(message);
          for (const event of decoder.push({ data })) written += translated.push(event);
          passed.pass({ dialect: client.dialect, data });
        }
        for (const event of decoder.end()) written += translated.push(event);
        expectGrammar(messagesOf(written + translated.end()));
      });
    }),
    { seed: 12, numRuns: 1500 },
  );
});
