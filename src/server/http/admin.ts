/** The admin API: behind a token of its own, and off without one. */
import { timingSafeEqual } from "node:crypto";
import { ChatError, toChatError } from "../../connectors/hub/error.ts";
import { openaiChatClient } from "../../connectors/wire/openai-chat/ingress.ts";
import type { Asker } from "../gateway/access.ts";
import type { Breaker } from "../gateway/breaker.ts";
import type { Catalog } from "../gateway/catalog.ts";
import { type Need, NEEDS } from "../gateway/conditions.ts";
import { explain } from "../gateway/explain.ts";
import type { Authenticator } from "./auth.ts";
import { errorResponse } from "./errors.ts";

export type AdminDeps = {
  /** Undefined is off. */
  readonly token: string | undefined;
  readonly catalog: Catalog;
  readonly breaker: Breaker;
  readonly authenticator: Authenticator;
};

export type Admin = (request: Request, requestId: string) => Promise<Response>;

/** Paths that the admin API answers, and nobody else. */
export function isAdminPath(path: string): boolean {
  return path === "/admin" || path.startsWith("/admin/");
}

/** Answers every path below `/admin`, each only to whoever has the token. */
export function createAdmin(deps: AdminDeps): Admin {
  const routes = new Map<string, (url: URL, headers: Headers) => unknown>([
    ["/admin/routes/explain", (url, headers) => explainRoutes(url, headers, deps)],
    ["/admin/circuits", () => ({ circuits: deps.breaker.report() })],
  ]);
  return async (request, requestId) => {
    try {
      guard(request.headers, deps.token);
      const url = new URL(request.url);
      const answer = routes.get(url.pathname);
      if (!answer) {
        throw new ChatError("not-found", `nothing answers ${request.method} ${url.pathname}`, {
          code: "unknown_path",
        });
      }
      if (request.method !== "GET") {
        throw new ChatError("invalid-request", `${url.pathname} takes GET`, { status: 405 });
      }
      return Response.json(await answer(url, request.headers), {
        headers: { "x-request-id": requestId, "cache-control": "no-store" },
      });
    } catch (thrown) {
      return errorResponse(openaiChatClient, toChatError(thrown), requestId);
    }
  };
}

/** Lets the token's owner pass. Throws ChatError. */
function guard(headers: Headers, token: string | undefined): void {
  if (token === undefined) {
    throw new ChatError("not-found", "the admin API is off; XJP_ADMIN_TOKEN turns it on", {
      code: "admin_off",
    });
  }
  const given = /^Bearer +(.+)$/i.exec(headers.get("authorization") ?? "")?.[1]?.trim();
  if (given !== undefined && isSame(given, token)) return;
  const message =
    given === undefined
      ? "no admin token; send `Authorization: Bearer TOKEN` with the value of XJP_ADMIN_TOKEN"
      : "this is not the admin token";
  throw new ChatError("unauthenticated", message, { code: "invalid_admin_token" });
}

/** In a time that tells nothing of where two tokens differ, nor of how long the right one is. */
function isSame(given: string, token: string): boolean {
  const [left, right] = [given, token].map((text) => new Bun.CryptoHasher("sha256").update(text));
  return (
    left !== undefined && right !== undefined && timingSafeEqual(left.digest(), right.digest())
  );
}

/** `?model=M`, and what else is known: `tenant`, or a key as `x-api-key`; `needs`, `tokens`, `session`. */
async function explainRoutes(url: URL, headers: Headers, deps: AdminDeps): Promise<unknown> {
  const query = url.searchParams;
  const model = query.get("model");
  if (model === null || model === "") {
    throw new ChatError("invalid-request", "which model? add ?model=NAME", { param: "model" });
  }
  const key = headers.get("x-api-key");
  const tenant = query.get("tenant");
  const asker: Asker =
    key === null
      ? { tenantId: tenant ?? "", models: null }
      : await deps.authenticator.authenticate(new Headers({ "x-api-key": key }));
  const found = explain(deps.catalog, deps.breaker, {
    model,
    asker,
    needs: readNeeds(query.get("needs")),
    tokens: readTokens(query.get("tokens")),
    session: query.get("session") ?? undefined,
  });
  return { ...found, tenant: asker.tenantId === "" ? null : asker.tenantId };
}

function readNeeds(text: string | null): readonly Need[] {
  const names = (text ?? "").split(",").filter((name) => name !== "");
  return names.map((name) => {
    const need = NEEDS.find((each) => each === name);
    if (need !== undefined) return need;
    throw new ChatError(
      "invalid-request",
      `needs: found ${JSON.stringify(name)}, expected some of ${NEEDS.join(", ")}`,
      { param: "needs" },
    );
  });
}

function readTokens(text: string | null): number | undefined {
  if (text === null) return undefined;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new ChatError("invalid-request", "tokens must be a whole number", { param: "tokens" });
}
