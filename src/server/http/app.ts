/** The HTTP face: the guard, the doors and every other route behind it. */
import { Elysia } from "elysia";
import { ChatError, toChatError } from "../../connectors/hub/error.ts";
import type { ClientHalf } from "../../connectors/hub/wire.ts";
import { anthropicMessagesClient } from "../../connectors/wire/anthropic-messages/ingress.ts";
import { openaiChatClient } from "../../connectors/wire/openai-chat/ingress.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import type { KeyRecord } from "../store/store.ts";
import { type Admin, isAdminPath } from "./admin.ts";
import type { Authenticator } from "./auth.ts";
import { type ChatDoorDeps, createChatDoor } from "./chat-door.ts";
import { type Cors, applyCors, preflight } from "./cors.ts";
import { type CountDoorDeps, createCountDoor } from "./count-door.ts";
import { dialectOf } from "./doors.ts";
import { errorResponse } from "./errors.ts";
import { createIdempotentDoor, type IdempotentDoorDeps } from "./idempotent-door.ts";
import type { Asker, Models } from "./models.ts";
import { decodePath, methodsOf, nothingAnswers, OPEN_PATHS, pathOf, withHost } from "./paths.ts";
import { healthz, type Probed, readyz } from "./probes.ts";

export type AppDeps = ChatDoorDeps &
  CountDoorDeps &
  IdempotentDoorDeps & {
    readonly admin: Admin;
    readonly authenticator: Authenticator;
    readonly metrics: Metrics;
    readonly models: Models;
    readonly probed: Probed;
    readonly log: Log;
    readonly cors: Cors;
  };

/** Never throws and never rejects: errors are answers too. */
export type App = { readonly fetch: (request: Request) => Response | Promise<Response> };

type Guest = { readonly requestId: string; readonly caller?: KeyRecord };

/** Answers a POST of somebody who is known. Never rejects. */
type Door = (request: Request, caller: KeyRecord, requestId: string) => Promise<Response>;

/** Builds the application; it listens nowhere yet. */
export function createApp(deps: AppDeps): App {
  const guests = new WeakMap<Request, Guest>();

  /** Answers what was thrown in the path's dialect. */
  const fail = (request: Request, requestId: string, thrown: unknown): Response => {
    const error = toChatError(thrown);
    if (error.kind === "internal") {
      const cause = thrown instanceof Error ? thrown.stack : JSON.stringify(thrown);
      const path = pathOf(request.url);
      deps.log.error("request failed", { request_id: requestId, path, cause });
    }
    return refuse(request, requestId, error);
  };

  const chatDoor = (client: ClientHalf): Door =>
    createIdempotentDoor(createChatDoor(client, deps), client, deps);
  const count = createCountDoor(anthropicMessagesClient, deps);
  // Entered directly: what Elysia makes for each request costs more than everything else in this file.
  const doors: ReadonlyMap<string, Door> = new Map([
    ["/v1/chat/completions", chatDoor(openaiChatClient)],
    ["/v1/messages", chatDoor(anthropicMessagesClient)],
    [
      "/v1/messages/count_tokens",
      (request, caller, requestId) =>
        count(request, caller, requestId).catch((thrown: unknown) =>
          fail(request, requestId, thrown),
        ),
    ],
  ]);

  /** Who asks, at a guarded route. */
  const askerOf = (request: Request): Asker => {
    const guest = guests.get(request);
    if (!guest?.caller)
      throw new ChatError("internal", "a guarded route was reached without a key");
    const { dialect } = dialectOf(pathOf(request.url), request.headers);
    return { caller: guest.caller, dialect, requestId: guest.requestId };
  };

  const identified = (request: Request, response: Response): Response => {
    const id = guests.get(request)?.requestId;
    if (id !== undefined) response.headers.set("x-request-id", id);
    return response;
  };

  // Hosts inside may have names of one to three letters, which Elysia would otherwise read into the path.
  const routes = new Elysia({ normalize: false, handler: { standardHostname: false } })
    .onError(({ request, error, code }) => {
      const requestId = guests.get(request)?.requestId ?? requestIdOf(request.headers);
      if (code !== "NOT_FOUND") return fail(request, requestId, error);
      return refuseRoute(request, requestId, doors);
    })
    .get("/healthz", ({ request }) => identified(request, healthz(deps.probed)))
    .get("/readyz", async ({ request }) => identified(request, await readyz(deps.probed)))
    .get("/metrics", async ({ request }) =>
      identified(
        request,
        new Response(await deps.metrics.render(), {
          headers: { "content-type": deps.metrics.contentType },
        }),
      ),
    )
    .get("/v1/models", ({ request }) => deps.models.list(askerOf(request)))
    .get("/v1/models/*", ({ request }) =>
      deps.models.show(
        decodePath(pathOf(request.url).slice("/v1/models/".length)),
        askerOf(request),
      ),
    )
    .compile();

  const admit = (request: Request, path: string, guest: Guest): Response | Promise<Response> => {
    const door = request.method === "POST" ? doors.get(path) : undefined;
    if (!door || !guest.caller) {
      const whole = withHost(request);
      guests.set(whole, guest);
      return routes.fetch(whole);
    }
    return door(request, guest.caller, guest.requestId);
  };

  const answer = (request: Request): Response | Promise<Response> => {
    const path = pathOf(request.url);
    const requestId = requestIdOf(request.headers);
    if (OPEN_PATHS.has(path)) return admit(request, path, { requestId });
    if (isAdminPath(path)) return deps.admin(withHost(request), requestId);
    try {
      const caller = deps.authenticator.authenticate(request.headers);
      if (!(caller instanceof Promise)) return admit(request, path, { requestId, caller });
      return caller.then(
        (known) => admit(request, path, { requestId, caller: known }),
        (thrown: unknown) => fail(request, requestId, thrown),
      );
    } catch (thrown) {
      return fail(request, requestId, thrown);
    }
  };

  return {
    fetch(request) {
      if (request.method === "OPTIONS") return preflight(request, deps.cors);
      const response = answer(request);
      // Only where browsers are let in at all.
      if (deps.cors.origins.length === 0) return response;
      return Promise.resolve(response).then((ready) => applyCors(request, deps.cors, ready));
    },
  };
}

/** Tells an error in the path's dialect. */
function refuse(request: Request, requestId: string, error: ChatError): Response {
  return errorResponse(dialectOf(pathOf(request.url), request.headers), error, requestId);
}

/** Tells that no route is there, or none for this method. */
function refuseRoute(
  request: Request,
  requestId: string,
  doors: ReadonlyMap<string, Door>,
): Response {
  const { method } = request;
  const path = pathOf(request.url);
  const client = dialectOf(path, request.headers);
  const allow = methodsOf(path, doors);
  if (allow === undefined) {
    const what = nothingAnswers(method, path, doors);
    const error = new ChatError("not-found", what, { code: "unknown_path" });
    return errorResponse(client, error, requestId);
  }
  const error = new ChatError("invalid-request", `${path} takes ${allow}, not ${method}`, {
    code: "method_not_supported",
    status: 405,
  });
  return errorResponse(client, error, requestId, { allow });
}

/** The caller's own id if it is a sane one, else a new one. */
function requestIdOf(headers: Headers): string {
  const own = headers.get("x-request-id");
  if (own !== null && /^[\w.:-]{1,128}$/.test(own)) return own;
  return `req_${crypto.getRandomValues(ID_BYTES).toHex()}`;
}

/** Filled anew for each id. */
const ID_BYTES = new Uint8Array(16);
