/** The only caller of fetch: sends a request, watches its timers, and hands over the answer. */
import type { Fetch, Timeouts } from "../connector.ts";
import { ChatError } from "../hub/error.ts";
import { createReply, type PostReply } from "./reply.ts";
import { type ConnectWitness, createConnectWitness, isProxied } from "./connect.ts";
import { type Exchange, openExchange, type Reins } from "./exchange.ts";
import { createGate } from "./gate.ts";
import { codeOf, SOMEBODY, toNetworkError, toTimeout } from "./failure.ts";

/** A kept connection that the server had closed shows it within a round trip; a later reset is another matter. */
const STALE_MS = 500;
/** One for the process, since it is the process whose idle connections are few. */
const gate = createGate(48, 10);

export type PosterOptions = {
  /** In place of a session of its own. */
  readonly fetch?: Fetch | undefined;
  /** How long an idle connection is kept. Default 60. */
  readonly idleTimeoutSeconds?: number;
  /** How many idle connections are kept at most; more than Bun's 64 for a whole process has no effect. */
  readonly maxIdleSockets?: number;
  /** Finds out whether a host can be reached. Default: by TCP, but not at all with a `fetch` of one's own or behind a proxy. */
  readonly witness?: ConnectWitness;
};

export type PostRequest = {
  readonly reins: Reins;
  readonly method?: "POST" | "GET";
  readonly url: string;
  /** Valid names and values; nothing is added to them but what fetch adds. A record that has been sent must not be changed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeouts: Timeouts;
  /** Whether the answer is to come in pieces, which decides what timer watches over the first. */
  readonly stream: boolean;
};

export type Poster = {
  /**
   * Sends once and waits for the head of the answer. Throws ChatError: `timeout` by timer, `unavailable` where the host could
   * not be reached, `bad-upstream` for a redirect, which is never followed, or what the signal aborted with. A request that
   * met a kept connection in the moment when the server closed it goes out again, once, on a new one.
   */
  post(request: PostRequest): Promise<PostReply>;
  /** Closes idle connections. */
  close(): void;
};

/** Makes one with a pool of connections of its own: a provider's, so that no other can use them up. */
export function createPoster(options: PosterOptions = {}): Poster {
  const idleTimeout = options.idleTimeoutSeconds ?? 60;
  const session = new Bun.FetchSession({
    keepAlive: {
      idleTimeout,
      ...(options.maxIdleSockets === undefined ? {} : { maxIdleSockets: options.maxIdleSockets }),
    },
  });
  const send: Fetch = options.fetch ?? session.fetch;
  const direct = options.fetch === undefined && !isProxied(process.env);
  const witness = options.witness ?? (direct ? createConnectWitness() : undefined);
  /** The URL asked last, taken apart; most providers have but one. */
  let latest = place("http://unasked.invalid");
  /** What fetch makes of a record of headers, made once for each: the same ones go out again and again. */
  const made = new WeakMap<Readonly<Record<string, string>>, Headers>();
  const toHeaders = (record: Readonly<Record<string, string>>): Headers => {
    let headers = made.get(record);
    if (!headers) made.set(record, (headers = new Headers(record)));
    return headers;
  };
  /** When each origin last answered: only then can there be a kept connection to it. */
  const answered = new Map<string, number>();

  const mayHaveBeenStale = (thrown: unknown, origin: string, sentAt: number): boolean => {
    const code = codeOf(thrown);
    if (code !== "ECONNRESET" && code !== "EPIPE") return false;
    const last = answered.get(origin);
    return (
      last !== undefined &&
      sentAt - last < idleTimeout * 1000 &&
      performance.now() - sentAt < STALE_MS
    );
  };

  const sendOnce = (
    request: PostRequest,
    exchange: Exchange,
    fresh: boolean,
  ): Promise<Response> => {
    const init: BunFetchRequestInit = {
      method: request.method ?? "POST",
      headers: toHeaders(request.headers),
      redirect: "manual",
      // Bun's own limit of five minutes without a byte; our timers are the ones that count.
      timeout: false,
      signal: exchange.signal,
    };
    if (request.body !== undefined) init.body = request.body;
    // The only way to ask for a new connection.
    if (fresh) init.keepalive = false;
    return send(request.url, init);
  };

  return {
    async post(request) {
      const { timeouts } = request;
      if (latest.text !== request.url) latest = place(request.url);
      const { origin, host } = latest;
      const exchange = openExchange(request.reins, host);
      exchange.watch.wait("headers", timeouts.headersMs);
      const stopWatching = witness?.watch(origin, timeouts.connectMs, () =>
        exchange.fail(toTimeout("connect", timeouts.connectMs, host)),
      );
      let response: Response;
      try {
        const entered = gate.enter();
        const start = entered instanceof Promise ? await entered : entered;
        exchange.onClose(() => gate.leave(start));
        const early = exchange.failure();
        if (early) throw early;
        const sentAt = performance.now();
        try {
          response = await sendOnce(request, exchange, false);
        } catch (thrown) {
          if (exchange.failure() || !mayHaveBeenStale(thrown, origin, sentAt)) throw thrown;
          if (request.reins.mayResend?.() === false) throw thrown;
          response = await sendOnce(request, exchange, true);
        }
      } catch (thrown) {
        exchange.close();
        const error = exchange.failure() ?? toNetworkError(thrown, host);
        if (error.traits.origin === "provider") witness?.lost(origin);
        throw error;
      } finally {
        stopWatching?.();
      }
      answered.set(origin, performance.now());
      witness?.alive(origin);
      if (response.status >= 300 && response.status < 400) {
        const error = redirected(response.status, host);
        exchange.fail(error);
        exchange.close();
        throw error;
      }
      if (request.stream) exchange.watch.wait("first-event", timeouts.firstEventMs);
      else exchange.watch.wait("idle", timeouts.idleMs);
      return createReply(response, exchange, timeouts.idleMs);
    },
    close() {
      session.close();
    },
  };
}

function place(text: string): {
  readonly text: string;
  readonly origin: string;
  readonly host: string;
} {
  const url = new URL(text);
  return { text, origin: url.origin, host: url.host };
}

function redirected(status: number, host: string): ChatError {
  return new ChatError(
    "bad-upstream",
    `${host} answered with a redirect (${status}), which is not followed; check base_url`,
    {
      code: "redirect",
      told: `${SOMEBODY} answered with a redirect (${status})`,
      upstreamStatus: status,
      retryHere: false,
    },
  );
}
