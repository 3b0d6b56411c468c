/** What the official `@anthropic-ai/sdk` package makes of a base URL. */
import Anthropic, { APIError } from "@anthropic-ai/sdk";
import type {
  MessageCreateParamsNonStreaming,
  MessageCreateParamsStreaming,
} from "@anthropic-ai/sdk/resources/messages";

import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";

export type AnthropicOutcome = {
  /** The events of a stream, or the one message. */
  readonly events: readonly JsonObject[];
  readonly error?: {
    readonly name: string;
    readonly status: number | undefined;
    /** The whole envelope. */
    readonly body: unknown;
  };
};

/** A client that asks once and never again by itself. */
export function createAnthropic(baseURL: string, apiKey: string): Anthropic {
  return new Anthropic({ baseURL, apiKey, maxRetries: 0 });
}

/** Sends a body as it stands through `messages.create`. */
export async function askMessages(client: Anthropic, body: JsonObject): Promise<AnthropicOutcome> {
  const events: JsonObject[] = [];
  try {
    if (isStreaming(body)) {
      for await (const event of await client.messages.create(body)) events.push(asObject(event));
    } else if (isPlain(body)) {
      events.push(asObject(await client.messages.create(body, { timeout: 60_000 })));
    } else {
      throw new TypeError("not a body of messages");
    }
    return { events };
  } catch (thrown) {
    if (!(thrown instanceof APIError)) throw thrown;
    const { status } = thrown;
    const error = {
      name: thrown.constructor.name,
      status: typeof status === "number" ? status : undefined,
      body: thrown.error,
    };
    return { events, error };
  }
}

function isMessages(body: unknown): body is JsonObject {
  return isJsonObject(body) && typeof body["model"] === "string" && Array.isArray(body["messages"]);
}

function isStreaming(body: unknown): body is MessageCreateParamsStreaming {
  return isMessages(body) && body["stream"] === true;
}

function isPlain(body: unknown): body is MessageCreateParamsNonStreaming {
  return isMessages(body) && body["stream"] !== true;
}

/** The fields of what the SDK gave, without those that it keeps for itself. */
function asObject(value: unknown): JsonObject {
  const plain: unknown = JSON.parse(JSON.stringify(value));
  if (!isJsonObject(plain)) throw new TypeError(`the SDK gave ${JSON.stringify(value)}`);
  return plain;
}
