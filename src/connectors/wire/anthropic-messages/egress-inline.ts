import type { Inlined } from "../../hub/wire.ts";
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { editJson } from "../../hub/json-edit.ts";
import { mapJsonArray } from "../../hub/json-map.ts";
import { textOf } from "../walk.ts";
import { TEXTUAL } from "./egress-block.ts";

/** See ProviderHalf: sources of images and documents that are URLs become the data behind them. */
export function inline(text: string, found: Inlined): string {
  return mapJsonArray(text, "messages", (message) => inContent(message, found));
}

/** In a message, or in the result of a tool, whose blocks are of the same kinds. */
function inContent(holder: string, found: Inlined): string {
  return mapJsonArray(holder, "content", (block) => inBlock(block, found));
}

function inBlock(text: string, found: Inlined): string {
  const block: Json = JSON.parse(text);
  if (!isJsonObject(block)) return text;
  switch (textOf(block["type"]) ?? "") {
    case "tool_result":
      return inContent(text, found);
    case "image":
    case "document": {
      const source = encodeSource(block["source"], found);
      return source === undefined ? text : editJson(text, { source });
    }
    default:
      return text;
  }
}

function encodeSource(source: Json | undefined, found: Inlined): JsonObject | undefined {
  const url = isJsonObject(source) && source["type"] === "url" ? source["url"] : undefined;
  const media = typeof url === "string" ? found.get(url) : undefined;
  if (media === undefined) return undefined;
  const { mimeType, data } = media;
  // As base64 it takes no document but PDF.
  return TEXTUAL.test(mimeType)
    ? { type: "text", media_type: "text/plain", data: Buffer.from(data, "base64").toString("utf8") }
    : { type: "base64", media_type: mimeType, data };
}
