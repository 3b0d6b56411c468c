import { ChatError } from "../hub/error.ts";
import { isJsonObject, type JsonObject } from "../hub/json.ts";

/** A request's body. Throws ChatError `invalid-request`, saying what stands there instead of a JSON object. */
export function parseBody(text: string): JsonObject {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const said =
      text.trim() === ""
        ? "the request body is empty"
        : `the request body is not valid JSON: ${reason}`;
    throw new ChatError("invalid-request", said, { code: "invalid_json", cause });
  }
  if (isJsonObject(body)) return body;
  const found = Array.isArray(body) ? "an array" : JSON.stringify(body)?.slice(0, 40);
  throw new ChatError("invalid-request", `the request body must be a JSON object, found ${found}`, {
    code: "invalid_type",
  });
}
