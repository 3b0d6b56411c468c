import { isJsonObject, type JsonObject } from "../../hub/json.ts";
import { textOf } from "../walk.ts";

/** Gemini's opaque signature as its compatible endpoint has it, on tool calls and messages alike. */
export function thoughtSignature(holder: JsonObject): string | undefined {
  const extra = holder["extra_content"];
  const google = isJsonObject(extra) ? extra["google"] : undefined;
  return isJsonObject(google) ? textOf(google["thought_signature"]) : undefined;
}

/** The same, written. */
export function encodeSignature(signature: string | undefined): JsonObject {
  return signature === undefined
    ? {}
    : { extra_content: { google: { thought_signature: signature } } };
}
