import { editJson } from "../../hub/json-edit.ts";
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type { ChatRequest } from "../../hub/request.ts";
import { isJsonArray } from "../walk.ts";
import type { Drop } from "../writing.ts";
import { HARMLESS } from "./ingress-request.ts";

/** How hosts of the dialect (Google's, Amazon's) refuse what they have not got yet: `tools.3.custom.defer_loading: Extra inputs …` */
const EXTRA = /^([\w.]+): Extra inputs are not permitted/;
/** Without these a tool is none. */
const NEEDED = new Set(["type", "name", "description", "input_schema"]);
const CACHED = ["system", "tools", "messages"] as const;

/**
 * The caller's own body without the field that this error names, where the answer does not depend on it: what steers caching,
 * forgetting and the loading of tools. Undefined for every other error and field.
 */
export function withoutExtra(
  request: ChatRequest,
  message: string,
  drop: Drop,
): ChatRequest | undefined {
  const path = EXTRA.exec(message)?.[1]?.split(".");
  const { source } = request;
  if (path === undefined || source.dialect !== "anthropic-messages") return undefined;
  const body: Json = JSON.parse(source.text);
  const edits = isJsonObject(body) ? editsFor(body, path) : undefined;
  if (edits === undefined) return undefined;
  drop(path.filter((step) => !/^\d+$/.test(step)).join("."));
  return {
    ...request,
    source: { ...source, body: applied(source.body, edits), text: editJson(source.text, edits) },
  };
}

type Edits = Readonly<Record<string, Json | undefined>>;

function editsFor(body: JsonObject, path: readonly string[]): Edits | undefined {
  const [first = ""] = path;
  const field = path.at(-1) ?? "";
  if (path.length === 1)
    return HARMLESS.has(field) && Object.hasOwn(body, field) ? { [field]: undefined } : undefined;
  if (path.includes("cache_control")) {
    if (!JSON.stringify(body).includes(`"${field}":`)) return undefined;
    return Object.fromEntries(CACHED.map((name) => [name, unmarked(body[name] ?? null, field)]));
  }
  const tools = body["tools"];
  if (first === "tools" && !NEEDED.has(field) && isJsonArray(tools) && tools.some(has(field))) {
    return { tools: tools.map((tool) => (isJsonObject(tool) ? without(tool, field) : tool)) };
  }
  const holder = body[first];
  // `thinking.adaptive.display`: what stands between is the name of a variant.
  const isMinor = (first === "thinking" && field === "display") || first === "output_config";
  return isMinor && field !== "format" && isJsonObject(holder) && Object.hasOwn(holder, field)
    ? { [first]: without(holder, field) }
    : undefined;
}

function has(field: string): (value: Json) => boolean {
  return (value) => isJsonObject(value) && Object.hasOwn(value, field);
}

function applied(body: JsonObject, edits: Edits): JsonObject {
  const changed = { ...body, ...edits };
  return Object.fromEntries(Object.entries(changed).filter(([, value]) => value !== undefined));
}

function without(object: JsonObject, field: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== field));
}

/** The same with every mark for the cache less one field. */
function unmarked(value: Json, field: string): Json | undefined {
  if (value === null) return undefined;
  if (isJsonArray(value)) return value.map((item) => unmarked(item, field) ?? null);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      name === "cache_control" && isJsonObject(item)
        ? without(item, field)
        : (unmarked(item ?? null, field) ?? null),
    ]),
  );
}
