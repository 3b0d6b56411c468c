import type { ChatError } from "../../connectors/hub/error.ts";
import type { ClientHalf } from "../../connectors/hub/wire.ts";
import { errorHeaders, requestIdHeaders } from "./headers.ts";

/** An error as an HTTP answer in the dialect of the door it is given at. */
export function errorResponse(
  client: ClientHalf,
  error: ChatError,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
  attempts = 0,
): Response {
  return Response.json(client.encodeError(error, requestId), {
    status: client.statusOf(error),
    headers: {
      ...headers,
      ...requestIdHeaders(client.dialect, requestId),
      ...errorHeaders(error, attempts),
    },
  });
}
