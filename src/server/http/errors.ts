import type { ChatError } from "../../connectors/hub/error.ts";
import type { ClientHalf } from "../../connectors/hub/wire.ts";
import { openaiChatClient } from "../../connectors/wire/openai-chat/ingress.ts";
import { errorHeaders } from "./headers.ts";

/** An error as an HTTP answer in the dialect of the door it is given at. */
export function errorResponse(
  client: ClientHalf,
  error: ChatError,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json(client.encodeError(error, requestId), {
    status: error.traits.status,
    headers: { ...headers, "x-request-id": requestId, ...errorHeaders(error) },
  });
}

/** The dialect in which a path's errors are told, also where no route answers. */
export function dialectOf(_path: string): ClientHalf {
  return openaiChatClient;
}
