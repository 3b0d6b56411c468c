/** Access tokens for Google Cloud: fetched when needed, kept, and replaced before they end. */
import type { Fetch, Timeouts } from "../connector.ts";
import { ChatError } from "../hub/error.ts";
import { isJsonObject, type JsonObject } from "../hub/json.ts";
import type { GoogleCredentials } from "./google-credentials.ts";
import { signStatement } from "./google-jwt.ts";
import { createPoster, type PostRequest } from "./post.ts";

export type AccessToken = { readonly value: string };

export type GoogleTokens = {
  /** A token that is good for a while; a promise only where there is none yet. Throws ChatError where none can be had. */
  take(): AccessToken | Promise<AccessToken>;
  /** Told that the provider refused a token. True if another one may fare better. */
  refuse(token: AccessToken): boolean;
  /** The project that the credentials belong to, known once a token has been had; undefined where they name none. */
  readonly project: string | undefined;
  /** The project that pays where it is not the one asked. */
  readonly quotaProject: string | undefined;
  close(): void;
};

export type GoogleTokenOptions = {
  readonly credentials: () => Promise<GoogleCredentials>;
  readonly fetch?: Fetch | undefined;
  /** Unix milliseconds. */
  readonly now?: () => number;
};

/** From then on a new token is fetched while the old one is still in use. */
const EARLY_MS = 5 * 60_000;
/** So near its end a token may not outlive the way to the provider. */
const LATE_MS = 30_000;
/** How long after a failure the next attempt waits while there is a token to use. */
const PAUSE_MS = 5_000;
/** A token refused so soon after another one is not what is wrong. */
const REFUSED_AGAIN_MS = 60_000;
const TIMEOUTS: Timeouts = {
  connectMs: 3_000,
  headersMs: 10_000,
  firstEventMs: 10_000,
  idleMs: 10_000,
};

type Held = { readonly token: AccessToken; readonly endsAt: number };

const FORM = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
const METADATA = { "metadata-flavor": "Google" };

function unusable(message: string, more: { status?: number; cause?: unknown } = {}): ChatError {
  return new ChatError("unavailable", message, {
    code: "provider_authentication_failed",
    retryHere: false,
    status: 502,
    level: "error",
    upstreamStatus: more.status,
    cause: more.cause,
  });
}

/** Google's word for why there is no token, which holds no secret: `invalid_grant (Invalid JWT Signature.)`. */
function reasonIn(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (!isJsonObject(value)) return "";
    const { error, error_description: more } = value;
    if (typeof error !== "string") return "";
    return `: ${error.slice(0, 100)}${typeof more === "string" ? ` (${more.slice(0, 200)})` : ""}`;
  } catch {
    return "";
  }
}

/** Makes a source of tokens. It fetches nothing before it is asked. */
export function createGoogleTokens(options: GoogleTokenOptions): GoogleTokens {
  const now = options.now ?? Date.now;
  const poster = createPoster({ fetch: options.fetch });
  let credentials: Promise<GoogleCredentials> | undefined;
  let held: Held | undefined;
  let pending: Promise<AccessToken> | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  let refusedAt = Number.NEGATIVE_INFINITY;
  let project: string | undefined;
  let quotaProject: string | undefined;

  const ask = async (request: Pick<PostRequest, "method" | "url" | "headers" | "body">) => {
    const reply = await poster.post({
      ...request,
      timeouts: TIMEOUTS,
      reins: { signal: new AbortController().signal },
      stream: false,
    });
    const text = await reply.text();
    const host = new URL(request.url).host;
    if (reply.status >= 500 || reply.status === 429) {
      throw new ChatError("unavailable", `${host} gave no access token (${reply.status})`, {
        upstreamStatus: reply.status,
      });
    }
    if (reply.status === 200) return text;
    throw unusable(`${host} gave no access token (${reply.status})${reasonIn(text)}`, {
      status: reply.status,
    });
  };

  const exchange = (url: string, form: Readonly<Record<string, string>>): Promise<string> =>
    ask({ url, headers: FORM, body: new URLSearchParams(form).toString() });

  const askMetadata = async (host: string): Promise<string> => {
    const base = `http://${host}/computeMetadata/v1`;
    const get = (path: string): Promise<string> =>
      ask({ method: "GET", url: `${base}/${path}`, headers: METADATA });
    try {
      const token = await get("instance/service-accounts/default/token");
      project ??= (await get("project/project-id")).trim();
      return token;
    } catch (cause) {
      if (cause instanceof ChatError && cause.upstreamStatus !== undefined) throw cause;
      throw unusable(
        `no Google credentials are configured, and ${host} cannot be reached; set VERTEX_API_KEY, VERTEX_ACCESS_TOKEN or GOOGLE_APPLICATION_CREDENTIALS`,
        { cause },
      );
    }
  };

  const fetchText = async (from: GoogleCredentials): Promise<string> => {
    switch (from.kind) {
      case "service-account":
        project = from.projectId;
        return exchange(from.tokenUri, {
          grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
          assertion: await signStatement(from, now()),
        });
      case "authorized-user":
        quotaProject = from.quotaProject;
        project = from.quotaProject;
        return exchange(from.tokenUri, {
          grant_type: "refresh_token",
          client_id: from.clientId,
          client_secret: from.clientSecret,
          refresh_token: from.refreshToken,
        });
      case "metadata":
        return askMetadata(from.host);
    }
  };

  const readToken = (text: string): Held => {
    let body: JsonObject = {};
    try {
      const value: unknown = JSON.parse(text);
      if (isJsonObject(value)) body = value;
    } catch {
      // Answered below, without the text, which may hold a token.
    }
    const { access_token: value, expires_in: seconds } = body;
    // A header can carry nothing else.
    if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value)) {
      throw unusable("Google's token endpoint answered without an access token");
    }
    const lifetime = typeof seconds === "number" && seconds > 0 ? seconds : 3600;
    return { token: { value }, endsAt: now() + lifetime * 1000 };
  };

  const refresh = async (): Promise<AccessToken> => {
    try {
      credentials ??= options.credentials();
      held = readToken(await fetchText(await credentials));
      return held.token;
    } catch (thrown) {
      failedAt = now();
      // A file that was wrong may be put right without a restart.
      if (!(thrown instanceof ChatError)) credentials = undefined;
      if (thrown instanceof ChatError) throw thrown;
      throw unusable(thrown instanceof Error ? thrown.message : "no Google access token", {
        cause: thrown,
      });
    } finally {
      pending = undefined;
    }
  };

  /** One fetch, however many wait for it. */
  const renew = (): Promise<AccessToken> => (pending ??= refresh());

  return {
    take() {
      const left = held === undefined ? 0 : held.endsAt - now();
      if (held === undefined || left <= LATE_MS) return renew();
      if (left <= EARLY_MS && now() - failedAt >= PAUSE_MS) {
        // Nobody waits for this one; should it fail, there is still time.
        renew().catch(() => undefined);
      }
      return held.token;
    },
    refuse(token) {
      if (held !== undefined && held.token !== token) return true;
      held = undefined;
      const isFirst = now() - refusedAt >= REFUSED_AGAIN_MS;
      refusedAt = now();
      return isFirst;
    },
    get project() {
      return project;
    },
    get quotaProject() {
      return quotaProject;
    },
    close: () => poster.close(),
  };
}
