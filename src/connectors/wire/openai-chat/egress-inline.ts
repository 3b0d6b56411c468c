import type { Inlined } from "../../hub/wire.ts";
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { editJson } from "../../hub/json-edit.ts";
import { mapJsonArray } from "../../hub/json-map.ts";
import { textOf } from "../walk.ts";
import { audioFormat } from "./media.ts";

/** See ProviderHalf: URLs of media become `data:` URLs, and those of speech its data. */
export function inline(text: string, found: Inlined): string {
  const inPart = (part: string): string => inlinePart(part, found);
  return mapJsonArray(text, "messages", (message) =>
    mapJsonArray(mapJsonArray(message, "content", inPart), "images", inPart),
  );
}

function inlinePart(text: string, found: Inlined): string {
  const part: Json = JSON.parse(text);
  if (!isJsonObject(part)) return text;
  const type = textOf(part["type"]) ?? "";
  switch (type) {
    case "image_url":
    case "video_url": {
      const value = part[type];
      // Some clients send the bare string.
      const url = dataUrl(isJsonObject(value) ? value["url"] : value, found);
      if (url === undefined) return text;
      return editJson(text, { [type]: isJsonObject(value) ? { ...value, url } : url });
    }
    case "file": {
      const file = part[type];
      const data = isJsonObject(file) ? dataUrl(file["file_data"], found) : undefined;
      return data === undefined
        ? text
        : editJson(text, { file: { ...asObject(file), file_data: data } });
    }
    case "input_audio": {
      const audio = part[type];
      const media = isJsonObject(audio) ? found.get(textOf(audio["data"]) ?? "") : undefined;
      if (media === undefined) return text;
      const { data, mimeType } = media;
      return editJson(text, {
        input_audio: { ...asObject(audio), data, format: audioFormat(mimeType) },
      });
    }
    default:
      return text;
  }
}

function dataUrl(url: Json | undefined, found: Inlined): string | undefined {
  const media = typeof url === "string" ? found.get(url) : undefined;
  return media && `data:${media.mimeType};base64,${media.data}`;
}

function asObject(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
