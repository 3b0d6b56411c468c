/**
 * Exchanges with real providers, read from files for replay. Two kinds of folder: those whose `*.json` hold
 * `interactions[]` of request and response, and `*-replies`, which hold answers alone: `.json` a whole one, `.chunks.txt` one
 * event payload a line, `.sse` a raw stream.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { isJsonObject, type Json, type JsonObject } from "../../src/connectors/hub/json.ts";
import { sse } from "./reply.ts";

/** One chat completion: what was asked and what came back. */
export type Exchange = {
  /** `folder/file#number`. */
  readonly id: string;
  readonly folder: string;
  /** The request's body; made up where only the answer was recorded. */
  readonly body: JsonObject & { readonly model: string };
  readonly stream: boolean;
  readonly status: number;
  /** The response's body as text: JSON, or an event stream. */
  readonly text: string;
};

/** What stands in a folder but is not a chat completion. */
export type Excluded = { readonly id: string; readonly folder: string; readonly reason: string };

export type Recordings = {
  readonly exchanges: readonly Exchange[];
  readonly excluded: readonly Excluded[];
};

/** The dialects whose exchanges can be told by their paths. */
export type RecordedDialect = "openai-chat" | "anthropic-messages";

/** The folders whose chat completions the OpenAI door must carry. */
const FOLDERS: readonly string[] = [
  "openrouter",
  "openai",
  "multimodal_tool_returns",
  "alibaba-replies",
  "deepseek-replies",
  "groq-replies",
  "mistral-replies",
  "moonshotai-replies",
  "openai-compatible-replies",
  "openai-replies",
  "xai-replies",
];

/** The folders that hold messages in Anthropic's dialect, some beside others. */
const ANTHROPIC_FOLDERS: readonly string[] = [
  "anthropic",
  "anthropic-replies",
  "openrouter",
  "multimodal_tool_returns",
];

const REPOSITORY = join(import.meta.dir, "../..");

/** The repository's own exchanges, which are always there. */
export const FIXTURES = join(REPOSITORY, "test/fixtures/e2e");

/** Recordings of real providers, which are not part of the repository and may be missing. */
export const RECORDINGS = resolve(
  REPOSITORY,
  process.env["XJP_RECORDINGS"] ?? "../shared/recordings",
);

/** Everything in the folders of `root`; nothing where a folder is missing. */
export function readRecordings(root: string, dialect: RecordedDialect = "openai-chat"): Recordings {
  const exchanges: Exchange[] = [];
  const excluded: Excluded[] = [];
  for (const folder of dialect === "openai-chat" ? FOLDERS : ANTHROPIC_FOLDERS) {
    const directory = join(root, folder);
    if (!existsSync(directory)) continue;
    for (const file of readdirSync(directory).toSorted()) {
      const text = readFileSync(join(directory, file), "utf8");
      const found = folder.endsWith("-replies")
        ? repliesIn(text, dialect).map((reply, number) =>
            readReply(folder, file, reply, dialect, number),
          )
        : readInteractions(folder, file, text, dialect);
      for (const one of found) {
        if ("reason" in one) excluded.push(one);
        else exchanges.push(one);
      }
    }
  }
  return { exchanges, excluded };
}

function readInteractions(
  folder: string,
  file: string,
  text: string,
  dialect: RecordedDialect,
): readonly (Exchange | Excluded)[] {
  const parsed: unknown = JSON.parse(text);
  const interactions = isJsonObject(parsed) ? parsed["interactions"] : undefined;
  if (!Array.isArray(interactions)) throw new Error(`${folder}/${file}: no interactions`);
  return interactions.map((interaction, number) => {
    const id = `${folder}/${file}#${number}`;
    const request = objectIn(interaction, "request", id);
    const response = objectIn(interaction, "response", id);
    const { url } = request;
    if (typeof url !== "string") throw new Error(`${id}: no url`);
    const told = dialectAt(url);
    if (told !== dialect) return { id, folder, reason: REASONS[told] };
    const body = request["body"];
    const answer = response["body"];
    if (!isJsonObject(body) || answer === undefined) throw new Error(`${id}: no body`);
    return {
      id,
      folder,
      body: withModel(body, id),
      stream: body["stream"] === true,
      status: Number(response["status"]),
      text: typeof answer === "string" ? answer : JSON.stringify(answer),
    };
  });
}

function readReply(
  folder: string,
  file: string,
  text: string,
  dialect: RecordedDialect,
  number: number,
): Exchange | Excluded {
  const id = `${folder}/${file}#${number}`;
  const stream = !file.endsWith(".json");
  const answer = file.endsWith(".chunks.txt")
    ? named(
        sse(
          text.split("\n").filter((line) => line.trim() !== ""),
          dialect === "openai-chat",
        ),
      )
    : text;
  const first: unknown = JSON.parse(stream ? (payloads(answer)[0] ?? "null") : answer);
  if (isJsonObject(first) && first["object"] === "text_completion") {
    return { id, folder, reason: "legacy completions (POST /v1/completions)" };
  }
  const model = isJsonObject(first) && typeof first["model"] === "string" ? first["model"] : "";
  return {
    id,
    folder,
    body: {
      model: model === "" ? "unnamed" : model,
      messages: [{ role: "user", content: `What ${file} answers.` }],
      ...(dialect === "anthropic-messages" ? { max_tokens: 1024 } : {}),
      ...(stream ? { stream: true } : {}),
      ...(stream && dialect === "openai-chat" ? { stream_options: { include_usage: true } } : {}),
    },
    stream,
    status: isJsonObject(first) && first["error"] !== undefined ? 400 : 200,
    text: answer,
  };
}

/** Some files hold the answers of a whole conversation one behind the other; in Anthropic's dialect their ends are plain. */
function repliesIn(text: string, dialect: RecordedDialect): readonly string[] {
  if (dialect === "openai-chat") return [text];
  return text
    .split(/(?<=^\{"type":\s*"message_stop"[^\n]*)\n/m)
    .filter((reply) => reply.trim() !== "");
}

/** Events of Anthropic's dialect bear their type as their name, which a list of payloads has lost. */
function named(stream: string): string {
  return stream.replaceAll(/^data: \{"type":\s*"([a-z_]+)"/gm, "event: $1\n$&");
}

/** The `data:` payloads of an event stream, each on one line, without comments and `[DONE]`. */
export function payloads(stream: string): readonly string[] {
  return stream
    .split(/\r\n|\r|\n/)
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice("data:".length).trim())
    .filter((data) => data !== "[DONE]");
}

type Told = RecordedDialect | "counting" | "openai-responses" | "gemini";

/** Why an exchange of one kind is no business of a test of another. */
const REASONS: Readonly<Record<Told, string>> = {
  "openai-chat": "Chat Completions (POST /v1/chat/completions)",
  "anthropic-messages": "Anthropic Messages (POST /v1/messages)",
  counting: "Anthropic's counter (POST /v1/messages/count_tokens)",
  "openai-responses": "OpenAI Responses (POST /v1/responses)",
  gemini: "Gemini generateContent",
};

function dialectAt(url: string): Told {
  const { pathname } = new URL(url);
  if (pathname.endsWith("/chat/completions")) return "openai-chat";
  if (pathname.endsWith("/responses")) return "openai-responses";
  if (pathname.endsWith("/messages")) return "anthropic-messages";
  if (pathname.endsWith("/messages/count_tokens")) return "counting";
  if (pathname.includes(":generateContent")) return "gemini";
  throw new Error(`no dialect is known at ${pathname}`);
}

function objectIn(value: unknown, field: string, id: string): JsonObject {
  const found: Json | undefined = isJsonObject(value) ? value[field] : undefined;
  if (!isJsonObject(found)) throw new Error(`${id}: no ${field}`);
  return found;
}

function withModel(body: JsonObject, id: string): JsonObject & { readonly model: string } {
  const { model } = body;
  if (typeof model !== "string") throw new Error(`${id}: no model`);
  // Spread keeps the place of `model` among the fields, which the byte-for-byte comparison needs.
  return { ...body, model };
}
