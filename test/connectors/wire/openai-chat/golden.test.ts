import { isJsonObject, type JsonObject } from "../../../../src/connectors/hub/json.ts";
import {
  type OpenAIChatQuirks,
  openaiChatProvider as provider,
} from "../../../../src/connectors/wire/openai-chat/egress.ts";
import { openaiChatClient as client } from "../../../../src/connectors/wire/openai-chat/ingress.ts";
import { golden } from "../golden.ts";
import { CONTEXT } from "../machines.ts";
import { decodeChunks, encodeEvents } from "./_machines.ts";

golden<OpenAIChatQuirks>({
  client,
  provider,
  quirks: {},
  isQuirks: (value): value is JsonObject & OpenAIChatQuirks => isJsonObject(value),
  context: CONTEXT,
  model: "upstream-model",
  decode: decodeChunks,
  encode: (events) =>
    encodeEvents(events).map((data) => (data === "[DONE]" ? data : JSON.parse(data))),
});
