/** What messages of every role may hold. */
import type { Json, JsonObject } from "../../hub/json.ts";
import { type ContentPart, decodeCache, decodePart } from "./ingress-part.ts";
import { asString, fault, isJsonArray, note, noteHere, type Reading } from "../walk.ts";

/** What is understood of any message. Assistants' have more. */
export const FIELDS: ReadonlySet<string> = new Set([
  "role",
  "content",
  "name",
  "tool_call_id",
  "cache_control",
]);

/** Clients send whole answers back, also their empty fields, which say nothing. */
function isEmpty(value: Json | undefined): boolean {
  return value === null || (isJsonArray(value) && value.length === 0);
}

/** Notes what is not understood of a message. */
export function noteUnknown(
  reading: Reading,
  message: JsonObject,
  known: ReadonlySet<string>,
): void {
  for (const field in message) {
    if (!known.has(field) && !isEmpty(message[field])) note(reading, `messages[].${field}`, true);
  }
}

/**
 * `content` as parts of one kind: a string is one text part, "" and null are none. A part that this role cannot have in the
 * hub is noted.
 */
export function decodeContent<Kept extends ContentPart>(
  reading: Reading,
  message: JsonObject,
  keep: (part: ContentPart) => part is Kept,
): Kept[] {
  const content = message["content"];
  if (content === undefined || content === null || content === "") return [];
  if (typeof content === "string") {
    const part: ContentPart = { type: "text", text: content };
    return keep(part) ? [part] : [];
  }
  if (!isJsonArray(content)) {
    throw fault(reading, "content", content, "a string or an array of parts");
  }
  const parts: Kept[] = [];
  reading.trail.push("content");
  for (const [index, value] of content.entries()) {
    const part = decodePart(reading, index, value);
    if (part === undefined) continue;
    if (keep(part)) parts.push(part);
    else noteHere(reading, index);
  }
  reading.trail.pop();
  return parts;
}

/** A mark on a whole message stands for one on its last part. */
export function withCache<Marked extends ContentPart>(
  message: JsonObject,
  parts: Marked[],
): Marked[] {
  const cache = decodeCache(message["cache_control"]);
  const last = cache ? parts.pop() : undefined;
  if (last) parts.push({ ...last, cache });
  return parts;
}

const NAMELESS: { readonly name?: string } = {};

/** `name`, where the message has one. */
export function nameOf(reading: Reading, message: JsonObject): { readonly name?: string } {
  const name = message["name"] ?? undefined;
  return name === undefined ? NAMELESS : { name: asString(reading, "name", name) };
}
