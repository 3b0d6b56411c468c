/** `POST /v1/messages/count_tokens`: how much a request would bring in, without asking it. */
import type { ClientHalf } from "../../connectors/hub/wire.ts";
import type { TokenCounting } from "../gateway/count-tokens.ts";
import type { KeyRecord } from "../store/store.ts";
import { type BodyLimits, readBody } from "./body.ts";
import { requestIdHeaders } from "./headers.ts";

export type CountDoorDeps = BodyLimits & { readonly counting: TokenCounting };

export type CountDoor = (
  request: Request,
  caller: KeyRecord,
  requestId: string,
) => Promise<Response>;

/** Answers `{"input_tokens": N}`; `x-xjp-estimated: true` says that no provider counted. Throws ChatError. */
export function createCountDoor(client: ClientHalf, deps: CountDoorDeps): CountDoor {
  return async (httpRequest, caller, requestId) => {
    const { headers, signal } = httpRequest;
    const request = client.decodeRequest(await readBody(httpRequest, deps));
    const { tokens, target } = await deps.counting.count(request, {
      caller,
      headers,
      requestId,
      signal,
    });
    const told: Record<string, string> = target
      ? {
          "x-xjp-provider": target.provider,
          "x-xjp-model": target.model.replace(/[^\x20-\x7e]/g, "?"),
        }
      : { "x-xjp-estimated": "true" };
    return Response.json(
      { input_tokens: tokens },
      { headers: { ...requestIdHeaders(client.dialect, requestId), ...told } },
    );
  };
}
