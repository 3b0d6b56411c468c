/** Where an answer's facts come from: grounding and recitation as the citations that OpenAI's dialect has. */
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { isJsonArray, textOf } from "../walk.ts";

function objects(value: Json | undefined): readonly JsonObject[] {
  return isJsonArray(value) ? value.filter(isJsonObject) : [];
}

function indexOf(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;
}

/** Gemini counts bytes of UTF-8, clients count characters of JavaScript and Python alike where there are no surrogates. */
function toCharacters(bytes: Buffer, offset: number): number {
  return bytes.subarray(0, offset).toString("utf8").length;
}

function citation(url: string, title: string | undefined, start: number, end: number): JsonObject {
  return {
    type: "url_citation",
    url_citation: {
      start_index: start,
      end_index: end,
      url,
      ...(title === undefined ? {} : { title }),
    },
  };
}

/** Address and title of a grounding chunk; undefined for one without an address. */
function sourceOf(chunk: JsonObject | undefined): { url: string; title?: string } | undefined {
  for (const kind of ["web", "retrievedContext", "maps"]) {
    const holder = chunk?.[kind];
    if (!isJsonObject(holder)) continue;
    const url = textOf(holder["uri"]);
    const title = textOf(holder["title"]);
    if (url !== undefined) return { url, ...(title === undefined ? {} : { title }) };
  }
  return undefined;
}

/** The annotations of `groundingMetadata` and `citationMetadata` over an answer's text. */
export function decodeCitations(
  text: string,
  grounding: JsonObject | undefined,
  recitation: JsonObject | undefined,
): readonly JsonObject[] {
  const annotations: JsonObject[] = [];
  const bytes = Buffer.from(text, "utf8");
  const chunks = isJsonArray(grounding?.["groundingChunks"]) ? grounding["groundingChunks"] : [];
  const supports = objects(grounding?.["groundingSupports"]);
  const sourceAt = (index: Json | undefined): ReturnType<typeof sourceOf> => {
    const chunk = typeof index === "number" ? chunks[index] : undefined;
    return sourceOf(isJsonObject(chunk) ? chunk : undefined);
  };
  for (const support of supports) {
    const segment = isJsonObject(support["segment"]) ? support["segment"] : {};
    const start = toCharacters(bytes, indexOf(segment["startIndex"]) ?? 0);
    const end = toCharacters(bytes, indexOf(segment["endIndex"]) ?? bytes.length);
    const indices = support["groundingChunkIndices"];
    for (const index of isJsonArray(indices) ? indices : []) {
      const source = sourceAt(index);
      if (source) annotations.push(citation(source.url, source.title, start, end));
    }
  }
  if (supports.length === 0) {
    // Sources without places belong to the answer as a whole.
    for (const chunk of chunks) {
      const source = sourceOf(isJsonObject(chunk) ? chunk : undefined);
      if (source) annotations.push(citation(source.url, source.title, 0, text.length));
    }
  }
  for (const entry of objects(recitation?.["citations"] ?? recitation?.["citationSources"])) {
    const url = textOf(entry["uri"]);
    if (url === undefined) continue;
    const start = toCharacters(bytes, indexOf(entry["startIndex"]) ?? 0);
    const end = toCharacters(bytes, indexOf(entry["endIndex"]) ?? bytes.length);
    annotations.push(citation(url, textOf(entry["title"]), start, end));
  }
  return annotations;
}
