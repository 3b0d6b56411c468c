import type { ModelInfo } from "./connector.ts";
import { isJsonObject, type Json, type JsonObject } from "./hub/json.ts";
import { isJsonArray, textOf } from "./wire/walk.ts";

/**
 * Reads a list of models as leniently as it can: `{data: […]}`, `{models: […]}` or a bare list, of objects with an `id`.
 * Entries without one are left out.
 */
export function readModelList(body: Json): readonly ModelInfo[] {
  const list = isJsonObject(body) ? (body["data"] ?? body["models"]) : body;
  if (!isJsonArray(list)) return [];
  return list.flatMap((entry) => (isJsonObject(entry) ? readModel(entry) : []));
}

function readModel(entry: JsonObject): readonly ModelInfo[] {
  const id = textOf(entry["id"]);
  if (id === undefined) return [];
  const created = number(entry["created"]) ?? seconds(entry["created_at"]);
  const ownedBy =
    textOf(entry["owned_by"]) ?? textOf(entry["organization"]) ?? textOf(entry["publisher"]);
  const displayName = textOf(entry["display_name"]) ?? textOf(entry["name"]);
  // In the words of OpenRouter and Together, of vLLM, of Groq, of Mistral and of Anthropic.
  const contextLength =
    number(entry["context_length"]) ??
    number(entry["max_model_len"]) ??
    number(entry["context_window"]) ??
    number(entry["max_context_length"]) ??
    number(entry["max_input_tokens"]);
  return [
    {
      id,
      ...(created === undefined ? {} : { created: Math.floor(created) }),
      ...(ownedBy === undefined ? {} : { ownedBy }),
      ...(displayName === undefined || displayName === id ? {} : { displayName }),
      ...(contextLength === undefined ? {} : { contextLength }),
    },
  ];
}

/** A date as Unix seconds; Anthropic writes dates. */
function seconds(value: Json | undefined): number | undefined {
  const at = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return at > 0 ? at / 1000 : undefined;
}

function number(value: Json | undefined): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : undefined;
}
