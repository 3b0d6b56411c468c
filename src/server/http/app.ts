/** The HTTP face: every route, and the guard in front of them. */
import { Elysia } from "elysia";
import { ChatError, toChatError } from "../../connectors/hub/error.ts";
import { anthropicMessagesClient } from "../../connectors/wire/anthropic-messages/ingress.ts";
import { openaiChatClient } from "../../connectors/wire/openai-chat/ingress.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { KeyRecord } from "../store/store.ts";
import type { Authenticator } from "./auth.ts";
import { type ChatDoorDeps, createChatDoor } from "./chat-door.ts";
import { type Cors, applyCors, preflight } from "./cors.ts";
import { type CountDoorDeps, createCountDoor } from "./count-door.ts";
import { dialectOf } from "./doors.ts";
import { errorResponse } from "./errors.ts";
import type { Asker, Models } from "./models.ts";
import { healthz, type Probed, readyz } from "./probes.ts";

export type AppDeps = ChatDoorDeps &
  CountDoorDeps & {
    readonly authenticator: Authenticator;
    readonly metrics: Metrics;
    readonly models: Models;
    readonly probed: Probed;
    readonly log: Log;
    readonly cors: Cors;
  };

/** The only paths that need no key. Whatever is not listed here is closed. */
const OPEN_PATHS: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);

type Guest = { readonly requestId: string; readonly caller?: KeyRecord };

/** Builds the application; it listens nowhere yet. */
export function createApp(deps: AppDeps) {
  const guests = new WeakMap<Request, Guest>();
  const chat = createChatDoor(openaiChatClient, deps);
  const messages = createChatDoor(anthropicMessagesClient, deps);
  const count = createCountDoor(anthropicMessagesClient, deps);

  /** Answers an authenticated request; what it throws is told in the path's dialect. */
  const enter = (
    request: Request,
    handle: (caller: KeyRecord, requestId: string) => Promise<Response>,
  ): Promise<Response> => {
    const guest = guests.get(request);
    if (!guest?.caller)
      throw new ChatError("internal", "a guarded route was reached without a key");
    return handle(guest.caller, guest.requestId);
  };

  const app = new Elysia({ normalize: false });
  // Only where browsers are let in at all: the hook costs every request a little.
  if (deps.cors.origins.length > 0) {
    app.mapResponse(({ request, responseValue }) =>
      responseValue instanceof Response ? applyCors(request, deps.cors, responseValue) : undefined,
    );
  }
  return app
    .onRequest(async ({ request }) => {
      const requestId = requestIdOf(request.headers);
      const path = pathOf(request.url);
      if (request.method === "OPTIONS") return preflight(request, deps.cors);
      if (OPEN_PATHS.has(path)) {
        guests.set(request, { requestId });
        return undefined;
      }
      try {
        const answer = deps.authenticator.authenticate(request.headers);
        const caller = answer instanceof Promise ? await answer : answer;
        guests.set(request, { requestId, caller });
        return undefined;
      } catch (thrown) {
        const error = toChatError(thrown);
        return applyCors(
          request,
          deps.cors,
          errorResponse(dialectOf(path, request.headers), error, requestId),
        );
      }
    })
    .onError(({ request, error, code }) => {
      const path = pathOf(request.url);
      const requestId = guests.get(request)?.requestId ?? requestIdOf(request.headers);
      const told =
        code === "NOT_FOUND"
          ? new ChatError("not-found", `nothing answers ${request.method} ${path}`, {
              code: "unknown_path",
            })
          : toChatError(error);
      if (told.kind === "internal") {
        const cause = error instanceof Error ? error.stack : JSON.stringify(error);
        deps.log.error("request failed", { request_id: requestId, path, cause });
      }
      return applyCors(
        request,
        deps.cors,
        errorResponse(dialectOf(path, request.headers), told, requestId),
      );
    })
    .get("/healthz", () => healthz(deps.probed))
    .get("/readyz", () => readyz(deps.probed))
    .get(
      "/metrics",
      async () =>
        new Response(await deps.metrics.render(), {
          headers: { "content-type": deps.metrics.contentType },
        }),
    )
    .get("/v1/models", ({ request }) =>
      enter(request, (caller, requestId) => deps.models.list(asker(request, caller, requestId))),
    )
    .get("/v1/models/*", ({ request }) =>
      enter(request, (caller, requestId) =>
        deps.models.show(
          decodeURIComponent(pathOf(request.url).slice("/v1/models/".length)),
          asker(request, caller, requestId),
        ),
      ),
    )
    .post(
      "/v1/chat/completions",
      ({ request }) => enter(request, (caller, requestId) => chat(request, caller, requestId)),
      { parse: "none" },
    )
    .post(
      "/v1/messages",
      ({ request }) => enter(request, (caller, requestId) => messages(request, caller, requestId)),
      { parse: "none" },
    )
    .post(
      "/v1/messages/count_tokens",
      ({ request }) => enter(request, (caller, requestId) => count(request, caller, requestId)),
      { parse: "none" },
    );
}

function asker(request: Request, caller: KeyRecord, requestId: string): Asker {
  const { dialect } = dialectOf(pathOf(request.url), request.headers);
  return { caller, dialect, requestId };
}

/** The caller's own id if it is a sane one, else a new one. */
function requestIdOf(headers: Headers): string {
  const own = headers.get("x-request-id");
  if (own !== null && /^[\w.:-]{1,128}$/.test(own)) return own;
  return `req_${crypto.randomUUID().replaceAll("-", "")}`;
}

/** The path of an absolute URL, without its query. */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  const query = url.indexOf("?", start);
  return query === -1 ? url.slice(start) : url.slice(start, query);
}
