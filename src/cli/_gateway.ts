/** A running gateway, as a client of its HTTP API sees it. Every failure becomes a sentence that says what to do. */
import { isJsonObject, type Json, type JsonObject } from "../connectors/hub/json.ts";
import { CommandError, UsageError } from "./_error.ts";
import { wordsOf } from "../server/words.ts";

export type Gateway = {
  /** Without a slash at the end and without `/v1`. */
  readonly url: string;
  readonly key: string | undefined;
};

/** `--url` and `--key`, for commands that talk to a running gateway. */
export const gatewayFlags = {
  url: {
    type: "string",
    valueHint: "URL",
    description: "where the gateway is (default: $XJP_URL or http://127.0.0.1:8080)",
  },
  key: { type: "string", valueHint: "KEY", description: "an API key (default: $XJP_KEY)" },
} as const;

/** Flags before environment before defaults. Throws UsageError for what is not an http(s) address. */
export function readGateway(
  flags: { readonly url: string | undefined; readonly key: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): Gateway {
  const text = flags.url ?? (env["XJP_URL"] || "http://127.0.0.1:8080");
  const source = flags.url === undefined ? "XJP_URL" : "--url";
  if (!/^https?:\/\/[^/\s]+/.test(text) || !URL.canParse(text))
    throw new UsageError(`${source}: "${text}" is not an address: write http://HOST:PORT`);
  const key = flags.key ?? env["XJP_KEY"];
  return { url: text.replace(/\/+$/, "").replace(/\/v1$/, ""), key: key === "" ? undefined : key };
}

type Ask = { readonly body?: JsonObject; readonly signal?: AbortSignal };

/** Sends one request; a POST if it has a body. Throws CommandError unless the answer is 2xx; an abort is thrown as it is. */
export async function ask(
  gateway: Gateway,
  path: string,
  { body, signal }: Ask = {},
): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`${gateway.url}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        ...(gateway.key === undefined ? {} : { authorization: `Bearer ${gateway.key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new CommandError(
      `no gateway answers at ${gateway.url} (${reasonOf(error)}): start one with xjp serve, or set XJP_URL`,
      { cause: error },
    );
  }
  if (response.ok) return response;
  throw new CommandError(await refusal(gateway, response));
}

async function refusal(gateway: Gateway, response: Response): Promise<string> {
  const { status } = response;
  const text = await response.text().catch(() => "");
  const body = parseJson(text);
  const message = messageOf(body) ?? (text.trim().slice(0, 300) || response.statusText);
  if (status === 401)
    return gateway.key === undefined
      ? "the gateway wants a key: set XJP_KEY or --key; xjp keygen TENANT makes one"
      : `the gateway does not accept the key in XJP_KEY or --key: ${message}`;
  const names = isUnknownModel(body) ? await modelsInWords(gateway) : "";
  return `${message}${names} (status ${status} from ${gateway.url})`;
}

function isUnknownModel(body: unknown): boolean {
  const error = isJsonObject(body) ? body["error"] : undefined;
  return isJsonObject(error) && error["code"] === "model_not_found";
}

const named = 12;

async function modelsInWords(gateway: Gateway): Promise<string> {
  const models = await listModels(gateway).catch(() => []);
  if (models.length === 0) return "";
  const names = models.slice(0, named).map(({ id }) => id);
  const more = models.length > named ? ", … (xjp models lists all)" : "";
  return `; the gateway lists ${names.join(", ")}${more}`;
}

/** What came of an answer that had begun. */
export function brokenOff(error: unknown): CommandError {
  return new CommandError(`the answer broke off: ${reasonOf(error)}`, { cause: error });
}

/** Why a connection failed, in a few words and without Bun's advice about the network. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ConnectionRefused" || code === "ECONNREFUSED") return "connection refused";
  if (code === "ConnectionClosed" || code === "ECONNRESET") return "the connection was closed";
  if (typeof code === "string") return code;
  return wordsOf(error);
}

/** The message of an error body or error event in OpenAI's shape. */
export function messageOf(body: unknown): string | undefined {
  const error = isJsonObject(body) ? body["error"] : undefined;
  if (typeof error === "string") return error;
  const message = isJsonObject(error) ? error["message"] : undefined;
  return typeof message === "string" && message !== "" ? message : undefined;
}

/** The JSON in a text, or undefined when there is none. */
export function parseJson(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

/** The models that the key may use, in the gateway's order and with everything it says of them. Throws CommandError. */
export async function listModels(
  gateway: Gateway,
): Promise<readonly (JsonObject & { readonly id: string })[]> {
  const response = await ask(gateway, "/v1/models");
  const text = await response.text().catch((error: unknown) => {
    throw brokenOff(error);
  });
  const body = parseJson(text);
  const data = isJsonObject(body) ? body["data"] : undefined;
  if (!Array.isArray(data))
    throw new CommandError(
      `${gateway.url}/v1/models does not answer like a gateway: is XJP_URL right?`,
    );
  return data.filter(isModel);
}

function isModel(value: unknown): value is JsonObject & { readonly id: string } {
  return isJsonObject(value) && typeof value["id"] === "string";
}
