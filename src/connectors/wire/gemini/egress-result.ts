import { isJsonObject, type JsonObject } from "../../hub/json.ts";
import type { MediaPart, TextPart, ToolResultPart } from "../../hub/request.ts";
import { cannot } from "../writing.ts";
import { encodeMedia, encodePart } from "./egress-media.ts";
import type { Writing } from "./writing.ts";

/** What a response may hold, from Gemini 3 on: https://ai.google.dev/gemini-api/docs/function-calling#multimodal */
const IN_RESPONSE: ReadonlySet<string> = new Set([
  "image/png",
  "image/jpeg",
  "image/webp",
  "application/pdf",
  "text/plain",
]);

/** The calls that have been made so far: their names and order by id. */
export type Calls = ReadonlyMap<string, { readonly name: string; readonly position: number }>;

function isMedia(part: TextPart | MediaPart): part is MediaPart {
  return part.type !== "text";
}

function mediaType(encoded: JsonObject): string {
  const holder = encoded["inlineData"] ?? encoded["fileData"];
  const type = isJsonObject(holder) ? holder["mimeType"] : undefined;
  return typeof type === "string" ? type : "";
}

/** The text of a result as the field in which Gemini looks for it; `more` says where the rest of it is. */
function encodeResponse(result: ToolResultPart, more: string): JsonObject {
  const words = result.parts.map((part) => (part.type === "text" ? part.text : "")).join("");
  const text = words === "" || more === "" ? words + more : `${words}\n\n${more}`;
  return result.isError ? { error: text } : { output: text };
}

/**
 * Results of tools as `contents` of role user. Gemini matches calls and responses by order, so responses follow the order of
 * the calls; media that a response may not hold come behind, in a content that says whose they are.
 */
export function encodeResults(
  writing: Writing,
  results: readonly ToolResultPart[],
  calls: Calls,
): JsonObject[] {
  const { quirks, traits, drop } = writing;
  const responses: JsonObject[] = [];
  const moved: JsonObject[] = [];
  const position = (result: ToolResultPart): number =>
    calls.get(result.toolCallId)?.position ?? Number.POSITIVE_INFINITY;
  for (const result of results.toSorted((left, right) => position(left) - position(right))) {
    const call = calls.get(result.toolCallId);
    if (!call) throw cannot("messages", `a result of the unknown tool call ${result.toolCallId}`);
    if (result.cache !== undefined || result.parts.some((part) => part.cache !== undefined)) {
      drop("cache_control");
    }
    const inside: JsonObject[] = [];
    const outside: JsonObject[] = [];
    for (const part of result.parts.filter(isMedia)) {
      const encoded = encodeMedia(writing, part);
      const fits = traits.mediaInResults && IN_RESPONSE.has(mediaType(encoded));
      (fits ? inside : outside).push(encoded);
    }
    const what = `content returned by tool call ${call.name} (${result.toolCallId})`;
    const more = outside.length > 0 ? `The ${what} follows in the next message.` : "";
    responses.push({
      functionResponse: {
        ...(quirks.callIds ? { id: result.toolCallId } : {}),
        name: call.name,
        response: encodeResponse(result, more),
        ...(inside.length > 0 ? { parts: inside } : {}),
      },
    });
    if (outside.length > 0) {
      moved.push(encodePart(writing, { type: "text", text: `This is ${what}:` }), ...outside);
    }
  }
  const contents: JsonObject[] = [{ role: "user", parts: responses }];
  if (moved.length > 0) contents.push({ role: "user", parts: moved });
  return contents;
}
