import { ChatError } from "../hub/error.ts";
import type { JsonObject } from "../hub/json.ts";
import type { ChatRequest } from "../hub/request.ts";
import type { Block } from "./answer.ts";
import { lastUserTurn, notableWords } from "./prompt.ts";
import { createInstance, SchemaError } from "./schema/instance.ts";

/** A value for the schema, made of the names in the user's last turn. Throws ChatError `invalid-request` naming `param`. */
export function fillSchema(
  request: ChatRequest,
  schema: JsonObject,
  param: string,
  variant = 0,
): string {
  const words = notableWords(lastUserTurn(request.messages) ?? "");
  try {
    return JSON.stringify(createInstance(schema, words, variant));
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    throw new ChatError(
      "invalid-request",
      `${param}: the demo provider finds no value for this JSON schema (${error.message})`,
      { param, code: "invalid_json_schema", cause: error },
    );
  }
}

/** The text in the output format that was asked for: as it is, as the `answer` of a JSON object, or as the schema wants it. */
export function shapeText(request: ChatRequest, text: string): Block {
  if (request.output?.type === "json-schema") {
    return {
      type: "text",
      text: fillSchema(request, request.output.schema, "response_format.json_schema.schema"),
    };
  }
  if (request.output?.type === "json") {
    return { type: "text", text: JSON.stringify({ answer: text }) };
  }
  return { type: "text", text };
}
