/**
 * Exchanges with Gemini, recorded on Vertex AI and on Google's API for developers, read as `recordings.ts` reads those of other
 * dialects.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import { payloads, RECORDINGS } from "./recordings.ts";
import { parseObject } from "./json.ts";

export type GeminiExchange = {
  /** `folder/file#number`. */
  readonly id: string;
  /** Absent where only the answer was recorded. */
  readonly body?: JsonObject;
  /** As it stands in the address. */
  readonly model: string;
  readonly verb: "generateContent" | "streamGenerateContent" | "countTokens";
  readonly status: number;
  /** The response's body as text: JSON, or an event stream. */
  readonly text: string;
};

const ADDRESS = /\/models\/([^:/]+):(generateContent|streamGenerateContent|countTokens)[?"]/;

/** The repository's own exchanges, which are always there. */
const GEMINI_FIXTURES = join(import.meta.dir, "../fixtures/gemini-exchanges");

/** Everything in the repository and, where they are, in the recordings. */
export function readGeminiExchanges(): readonly GeminiExchange[] {
  const folders = [
    GEMINI_FIXTURES,
    ...["google", "google-replies", "multimodal_tool_returns"].map((name) =>
      join(RECORDINGS, name),
    ),
  ];
  return folders.filter((folder) => existsSync(folder)).flatMap((folder) => readFolder(folder));
}

function readFolder(folder: string): readonly GeminiExchange[] {
  const name = folder.slice(folder.lastIndexOf("/") + 1);
  return readdirSync(folder)
    .toSorted()
    .flatMap((file) => {
      const text = readFileSync(join(folder, file), "utf8");
      const id = `${name}/${file}`;
      return name.endsWith("-replies") ? [readReply(id, file, text)] : readInteractions(id, text);
    });
}

function readInteractions(id: string, text: string): readonly GeminiExchange[] {
  const recording: unknown = JSON.parse(text);
  const list = isJsonObject(recording) ? recording["interactions"] : undefined;
  if (!Array.isArray(list)) throw new Error(`${id}: no interactions`);
  return list.flatMap((interaction: unknown, number) => {
    const request = isJsonObject(interaction) ? interaction["request"] : undefined;
    const response = isJsonObject(interaction) ? interaction["response"] : undefined;
    if (!isJsonObject(request) || !isJsonObject(response)) throw new Error(`${id}: no exchange`);
    const [, model, verb] = ADDRESS.exec(JSON.stringify(request["url"])) ?? [];
    // Other addresses belong to other dialects, and to files and stores.
    if (model === undefined || !isVerb(verb) || !isJsonObject(request["body"])) return [];
    const { body } = response;
    const answer = typeof body === "string" ? body : JSON.stringify(body);
    return [
      {
        id: `${id}#${number}`,
        body: request["body"],
        model,
        verb,
        status: Number(response["status"]),
        text: answer,
      },
    ];
  });
}

function isVerb(verb: string | undefined): verb is GeminiExchange["verb"] {
  return verb === "generateContent" || verb === "streamGenerateContent" || verb === "countTokens";
}

function readReply(id: string, file: string, text: string): GeminiExchange {
  const isStream = file.endsWith(".chunks.txt");
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return {
    id: `${id}#0`,
    model: "gemini-3-pro-preview",
    verb: isStream ? "streamGenerateContent" : "generateContent",
    status: 200,
    text: isStream ? lines.map((line) => `data: ${line}\r\n\r\n`).join("") : text,
  };
}

/** The JSON objects of an answer: its chunks, or itself. */
export function objectsOf(exchange: GeminiExchange): readonly JsonObject[] {
  const texts =
    exchange.verb === "streamGenerateContent" ? payloads(exchange.text) : [exchange.text];
  return texts.map(parseObject);
}
