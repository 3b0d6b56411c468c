/**
 * Wishes that only Gemini knows, in a body of another dialect: Google's own convention `extra_body.google`
 * (https://ai.google.dev/gemini-api/docs/openai#extra-body), the same without its wrapping, and the bare `safety_settings`
 * of other gateways. Names may be written in either case, as Google's APIs read them.
 */
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type { ChatRequest, Unmapped } from "../../hub/request.ts";
import { isJsonArray } from "../walk.ts";
import { cannot } from "../writing.ts";

/** Where each wish belongs. */
type Place = "body" | "config" | "tools";

const WISHES: Readonly<Record<string, { readonly place: Place; readonly name: string }>> = {
  safety_settings: { place: "body", name: "safetySettings" },
  cached_content: { place: "body", name: "cachedContent" },
  labels: { place: "body", name: "labels" },
  tools: { place: "tools", name: "tools" },
  thinking_config: { place: "config", name: "thinkingConfig" },
  media_resolution: { place: "config", name: "mediaResolution" },
  response_modalities: { place: "config", name: "responseModalities" },
  image_config: { place: "config", name: "imageConfig" },
  speech_config: { place: "config", name: "speechConfig" },
  audio_timestamp: { place: "config", name: "audioTimestamp" },
  routing_config: { place: "config", name: "routingConfig" },
};

/** Tools of Google's own that read nothing but the public web; others read what the gateway's project keeps. */
const PUBLIC_TOOLS: ReadonlySet<string> = new Set([
  "google_search",
  "google_search_retrieval",
  "enterprise_web_search",
  "google_maps",
  "url_context",
  "code_execution",
]);

/** Those that may also stand at the top. */
const BARE: ReadonlySet<string> = new Set(["safety_settings", "cached_content", "labels"]);

export type Extras = {
  readonly body: JsonObject;
  readonly config: JsonObject;
  readonly tools: readonly JsonObject[];
  /** What stays unmapped after these. */
  readonly unmapped: readonly Unmapped[];
};

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Modalities of OpenAI's `modalities` by their names here. */
function toModalities(value: Json | undefined): JsonObject {
  if (!isJsonArray(value)) return {};
  return {
    responseModalities: value
      .filter((each) => typeof each === "string")
      .map((each) => each.toUpperCase()),
  };
}

/** Reads them. Throws ChatError `invalid-request` for one that is not known here. */
export function readExtras(request: ChatRequest): Extras {
  const { unmapped, source } = request;
  const none = { body: {}, config: {}, tools: [], unmapped };
  if (unmapped.length === 0 || source.dialect === "gemini") return none;
  const body: Record<string, Json> = {};
  const config: Record<string, Json> = {};
  const tools: JsonObject[] = [];

  const place = (name: string, value: Json | undefined, path: string): void => {
    const wish = Object.hasOwn(WISHES, snake(name)) ? WISHES[snake(name)] : undefined;
    if (wish === undefined) throw cannot(path, path);
    if (value === undefined || value === null) return;
    if (wish.place === "tools") {
      for (const tool of isJsonArray(value) ? value.filter(isJsonObject) : []) {
        const other = Object.keys(tool).find((each) => !PUBLIC_TOOLS.has(snake(each)));
        if (other !== undefined) throw cannot(path, `the tool ${other}`);
        tools.push(tool);
      }
    } else (wish.place === "body" ? body : config)[wish.name] = value;
  };
  const readGoogle = (value: Json | undefined, path: string): void => {
    if (!isJsonObject(value)) throw cannot(path, `${path} that is no object`);
    for (const [name, entry] of Object.entries(value)) place(name, entry, `${path}.${name}`);
  };

  const left = unmapped.filter(({ field }) => {
    const value = source.body[field];
    if (field === "modalities") Object.assign(config, toModalities(value));
    else if (BARE.has(snake(field))) place(field, value, field);
    else if (field === "google") readGoogle(value, field);
    else if (field === "extra_body" && isJsonObject(value)) {
      for (const [name, entry] of Object.entries(value)) {
        if (name === "google") readGoogle(entry, "extra_body.google");
        else place(name, entry, `extra_body.${name}`);
      }
    } else return true;
    return false;
  });
  return { body, config, tools, unmapped: left };
}
