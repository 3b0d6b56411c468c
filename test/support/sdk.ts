/** What the official `openai` package makes of a base URL: the chunks or the reply it hands to an application, or its error. */
import OpenAI, { APIError } from "openai";
import type {
  ChatCompletionCreateParamsNonStreaming,
  ChatCompletionCreateParamsStreaming,
} from "openai/resources/chat/completions";

import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";

/** An error as an application sees it. */
export type SeenError = {
  readonly name: string;
  readonly status: number | undefined;
  readonly code: unknown;
  readonly param: unknown;
  readonly type: unknown;
  readonly message: string;
};

export type Outcome = {
  /** The chunks of a stream, or the one reply. */
  readonly chunks: readonly JsonObject[];
  readonly error?: SeenError;
};

/** A client that asks once and never again by itself. */
export function createClient(baseURL: string, apiKey: string): OpenAI {
  return new OpenAI({ baseURL, apiKey, maxRetries: 0 });
}

/** Sends a body as it stands through `chat.completions.create`. */
export async function ask(
  client: OpenAI,
  body: JsonObject,
  signal?: AbortSignal,
  onAnswer?: () => void,
): Promise<Outcome> {
  const chunks: JsonObject[] = [];
  const options = signal === undefined ? {} : { signal };
  try {
    if (isStreamingBody(body)) {
      const stream = await client.chat.completions.create(body, options);
      onAnswer?.();
      for await (const chunk of stream) {
        chunks.push(asObject(chunk));
      }
    } else if (isPlainBody(body)) {
      chunks.push(asObject(await client.chat.completions.create(body, options)));
    } else {
      throw new TypeError("not a chat completion's body");
    }
    return { chunks };
  } catch (thrown) {
    if (!(thrown instanceof APIError)) throw thrown;
    return { chunks, error: toSeenError(thrown) };
  }
}

/** The parts of an SDK error that applications look at. */
function toSeenError(error: APIError): SeenError {
  return {
    name: error.constructor.name,
    status: typeof error.status === "number" ? error.status : undefined,
    code: error.code,
    param: error.param,
    type: error.type,
    message: error.message,
  };
}

function isStreamingBody(body: unknown): body is ChatCompletionCreateParamsStreaming {
  return isChat(body) && body["stream"] === true;
}

function isPlainBody(body: unknown): body is ChatCompletionCreateParamsNonStreaming {
  return isChat(body) && body["stream"] !== true;
}

function isChat(body: unknown): body is JsonObject {
  return isJsonObject(body) && typeof body["model"] === "string" && Array.isArray(body["messages"]);
}

function asObject(value: unknown): JsonObject {
  if (!isJsonObject(value)) throw new TypeError(`the SDK gave ${JSON.stringify(value)}`);
  return value;
}
