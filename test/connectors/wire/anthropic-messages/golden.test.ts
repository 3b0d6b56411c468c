import { isJsonObject, type JsonObject } from "../../../../src/connectors/hub/json.ts";
import {
  type AnthropicQuirks,
  anthropicMessagesProvider as provider,
} from "../../../../src/connectors/wire/anthropic-messages/egress.ts";
import { anthropicMessagesClient as client } from "../../../../src/connectors/wire/anthropic-messages/ingress.ts";
import { golden } from "../golden.ts";
import { CONTEXT } from "../machines.ts";
import { decode, encode, expectGrammar } from "./_machines.ts";
import { parseObject } from "../../../support/json.ts";

golden<AnthropicQuirks>({
  client,
  provider,
  quirks: {},
  isQuirks: (value): value is JsonObject & AnthropicQuirks => isJsonObject(value),
  context: CONTEXT,
  model: "claude-opus-4-8",
  decode: (messages) => decode(messages.map((message) => ({ data: JSON.stringify(message) }))),
  encode: (events) => {
    const written = encode(events);
    expectGrammar(written);
    return written.map(({ data }) => parseObject(data));
  },
});
