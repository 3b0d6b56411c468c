/**
 * A provider that says what a test tells it to. It has lanes, each with a base URL of its own, so that several exchanges
 * can run beside each other; a lane keeps every request it got, byte for byte.
 */

/** One request as it arrived. */
export type UpstreamCall = {
  readonly method: string;
  /** Without the lane's prefix, with the query. */
  readonly path: string;
  readonly headers: Headers;
  readonly text: string;
  /** Aborts when the caller goes away. */
  readonly signal: AbortSignal;
};

export type Answer = (call: UpstreamCall) => Response | Promise<Response>;

export type Lane = {
  /** The base URL to configure, ending in `/v1`. */
  readonly url: string;
  readonly calls: readonly UpstreamCall[];
  /** What the next requests get, until something else is set. */
  answer(answer: Answer): void;
  /** Forgets the requests seen so far. */
  forget(): void;
};

export type FakeUpstream = {
  readonly port: number;
  /** The lane of this name, made on first use. */
  lane(name: string): Lane;
  stop(): Promise<void>;
};

type LaneState = { readonly calls: UpstreamCall[]; answer: Answer };

const PATH = /^\/([^/]+)\/v1(\/.*)$/;

/** Starts a provider on a free loopback port. */
export function startFakeUpstream(): FakeUpstream {
  const lanes = new Map<string, LaneState>();

  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    maxRequestBodySize: 256 * 1024 * 1024,
    async fetch(request) {
      const url = new URL(request.url);
      const [, name = "", path = ""] = PATH.exec(url.pathname) ?? [];
      const lane = lanes.get(name);
      if (!lane) return new Response(`no lane at ${url.pathname}`, { status: 404 });
      const call: UpstreamCall = {
        method: request.method,
        path: path + url.search,
        headers: new Headers(request.headers),
        text: await request.text(),
        signal: request.signal,
      };
      lane.calls.push(call);
      return lane.answer(call);
    },
  });
  const { port } = server;
  if (port === undefined) throw new Error("the fake upstream got no port");

  return {
    port,
    lane(name) {
      const known = lanes.get(name);
      const state = known ?? { calls: [], answer: unanswered };
      if (!known) lanes.set(name, state);
      return {
        url: `http://127.0.0.1:${port}/${name}/v1`,
        calls: state.calls,
        answer(answer) {
          state.answer = answer;
        },
        forget() {
          state.calls.length = 0;
        },
      };
    },
    async stop() {
      await server.stop(true);
    },
  };
}

function unanswered(call: UpstreamCall): Response {
  return new Response(`nothing was set to answer ${call.method} ${call.path}`, { status: 501 });
}
