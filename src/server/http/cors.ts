/** Which web origins may call the gateway from a browser. Empty, the default, is none; `*` is any. */
export type Cors = { readonly origins: readonly string[] };

/** What the official SDKs, and people, read of an answer. */
const EXPOSED = [
  "x-request-id",
  "request-id",
  "x-xjp-provider",
  "x-xjp-model",
  "x-xjp-attempts",
  "x-xjp-dropped",
  "x-xjp-error-origin",
  "x-xjp-idempotent-replay",
  "retry-after",
  "retry-after-ms",
  "x-should-retry",
  "x-ratelimit-reset",
  ...["limit", "remaining", "reset"].flatMap((what) =>
    ["requests", "tokens"].flatMap((of) => [
      `x-ratelimit-${what}-${of}`,
      `anthropic-ratelimit-${of}-${what}`,
    ]),
  ),
].join(", ");

/** Answers an OPTIONS request: with permission for a listed origin, else with none. */
export function preflight(request: Request, cors: Cors): Response {
  const headers = allowed(request, cors);
  if (!headers) return new Response(null, { status: 204 });
  return new Response(null, {
    status: 204,
    headers: {
      ...headers,
      "access-control-allow-methods": "GET, POST, OPTIONS",
      "access-control-allow-headers":
        request.headers.get("access-control-request-headers") ?? "authorization, content-type",
      "access-control-max-age": "600",
    },
  });
}

/** Adds the permission to an answer, if the request comes from a listed origin. */
export function applyCors(request: Request, cors: Cors, response: Response): Response {
  if (cors.origins.length === 0) return response;
  const headers = allowed(request, cors);
  for (const [name, value] of Object.entries(headers ?? {})) response.headers.set(name, value);
  return response;
}

function allowed(request: Request, cors: Cors): Record<string, string> | undefined {
  const origin = request.headers.get("origin");
  if (origin === null) return undefined;
  if (!cors.origins.includes("*") && !cors.origins.includes(origin)) return undefined;
  return {
    "access-control-allow-origin": origin,
    vary: "origin",
    "access-control-expose-headers": EXPOSED,
  };
}
