/** From what the gateway asks to what goes over the wire, for connectors over HTTP: the body, its headers, and asking anew. */
import type { Capabilities } from "./capabilities.ts";
import { checkedBaseUrl, checkedHeaders } from "./checks.ts";
import type { ChatCall, ConnectorOptions, Target } from "./connector.ts";
import type { Grant, HeaderValues } from "./credentials.ts";
import type { ChatError } from "./hub/error.ts";
import { editJson } from "./hub/json-edit.ts";
import type { ChatRequest } from "./hub/request.ts";
import type { Asked } from "./hub/wire.ts";
import { inlineMedia, urlsToInline } from "./inline-media.ts";
import type { Line } from "./line.ts";
import type { Poster } from "./net/post.ts";
import type { PostReply } from "./net/reply.ts";
import { createRefusals } from "./refusals.ts";

/** One question on its way to a provider, in the form in which it is asked now. */
export type Errand = Asked & {
  readonly line: Line;
  readonly call: ChatCall;
  readonly grant: Grant;
  /** Whether the caller's own words go. */
  readonly verbatim: boolean;
};

export type Errands = {
  /** A question, less what the target's model has refused of late. Throws ChatError where the target cannot be spoken to. */
  errand(request: ChatRequest, call: ChatCall, grant: Grant): Errand;
  /** Asks it; the answer may be an error's. */
  ask(errand: Errand): Promise<PostReply>;
  /** Asks anew, as often as the line knows how to avoid the refusal, which is thrown otherwise; `again` in place of `ask`. */
  askAnew(
    errand: Errand,
    refused: PostReply,
    again?: (errand: Errand) => Promise<PostReply>,
  ): Promise<PostReply>;
  /** Sends a body of one's own to a path. */
  send(errand: Errand, path: string, body: string, stream: boolean): Promise<PostReply>;
  /** The same question with the media that its target cannot fetch. */
  withMedia(errand: Errand): Promise<Errand> | Errand;
  /** The headers of every request with this grant. */
  headersFor(stream: boolean, grant: Grant): HeaderValues;
  /** Of a path behind the base URL, or of a whole URL. */
  urlOf(path: string): string;
  /** Configured values that must not get into messages. */
  readonly secrets: readonly string[];
};

export type ErrandParts = {
  /** In place of which `options.baseUrl` may stand. */
  readonly baseUrl: string;
  /**
   * The line that this request to this target takes. One of the caller's own dialect, where there is one: on it the request goes
   * verbatim. The same object for the same choice. Throws ChatError where the target cannot be spoken to.
   */
  readonly lineFor: (request: ChatRequest, target: Target) => Line;
  readonly capabilities: (target: Target) => Capabilities;
  /** Sent with every request, unless configuration says otherwise. Names in lower case. */
  readonly headers?: (configured: HeaderValues) => HeaderValues;
};

/** Refusals that a request is fitted to before it is given up: some betas, a few fields, and thoughts. */
const MOST_RECASTS = 4;
/** Shorter configured values are no secrets, and hiding them would spoil words. */
const SHORTEST_SECRET = 8;

/** Throws Error for headers or a base URL that cannot be used. */
export function createErrands(
  options: ConnectorOptions,
  parts: ErrandParts,
  poster: Poster,
): Errands {
  const configured = checkedHeaders(options);
  const behind = checkedBaseUrl(options.name, options.baseUrl ?? parts.baseUrl);
  const refusals = createRefusals();
  const own = parts.headers?.(configured) ?? {};
  const headersFor = memoize((stream: boolean, grant: Grant) => ({
    accept: stream ? "text/event-stream" : "application/json",
    // Compression saves little on short texts, costs time on both sides, and holds streams back.
    "accept-encoding": "identity",
    "content-type": "application/json",
    "user-agent": "xjp",
    ...own,
    ...grant.headers,
    ...configured,
  }));
  /** The path asked last and its URL: most providers have but one. */
  let latest = { path: "", url: behind("") };
  const urlOf = (path: string): string => {
    if (path !== latest.path) latest = { path, url: /^https?:/.test(path) ? path : behind(path) };
    return latest.url;
  };

  const send = (
    { line, call, grant, headers: client }: Errand,
    path: string,
    body: string,
    stream: boolean,
  ): Promise<PostReply> => {
    const headers = headersFor(stream, grant);
    const more = line.forward(client, configured);
    return poster.post({
      url: urlOf(path),
      headers: more === undefined ? headers : { ...headers, ...more, ...configured },
      body,
      timeouts: call.timeouts,
      reins: call,
      stream,
    });
  };

  const withMedia = (errand: Errand): Promise<Errand> | Errand => {
    const { line, request, call, verbatim } = errand;
    const urls = urlsToInline(request, () => parts.capabilities(call.target));
    if (urls.size === 0 || !options.download) return errand;
    const rewrite: typeof line.inline | undefined = verbatim
      ? (text, found) => line.inline(text, found)
      : undefined;
    return inlineMedia(request, urls, options.download, call.signal, rewrite).then((whole) => ({
      ...errand,
      request: whole,
    }));
  };

  const ask = (errand: Errand): Promise<PostReply> => {
    const whole = withMedia(errand);
    if (whole instanceof Promise) return whole.then(ask);
    const { line, request, call, verbatim } = whole;
    const { target, drop } = call;
    const body = verbatim
      ? editJson(line.verbatim(request), {
          model: target.model,
          ...line.amend(request, drop, target),
        })
      : JSON.stringify(line.encodeRequest(request, target, drop));
    return send(whole, line.path(target, request.stream), body, request.stream);
  };

  const askAnew = async (
    errand: Errand,
    refused: PostReply,
    again = ask,
    left = MOST_RECASTS,
  ): Promise<PostReply> => {
    const { line, call } = errand;
    const error = await refusal(line, refused);
    const recast = left > 0 ? line.recast?.(errand, error, call.drop) : undefined;
    if (recast === undefined) throw error;
    if (recast.lasting) refusals.remember(call.target.model, error);
    const next = { ...errand, request: recast.request, headers: recast.headers };
    const reply = await again(next);
    return isGood(reply) ? reply : askAnew(next, reply, again, left - 1);
  };

  return {
    errand(request, call, grant) {
      const line = parts.lineFor(request, call.target);
      const verbatim = request.source.dialect === line.dialect && !line.isTranslated;
      const errand = { request, headers: call.headers, line, call, grant, verbatim };
      const fitted = refusals.fit(line, call.target.model, errand, call.drop);
      if (fitted === errand) return errand;
      return { ...errand, request: fitted.request, headers: fitted.headers };
    },
    ask,
    askAnew,
    send,
    withMedia,
    headersFor,
    urlOf,
    secrets: Object.values(configured).filter((value) => value.length >= SHORTEST_SECRET),
  };
}

export function isGood({ status }: PostReply): boolean {
  return status >= 200 && status < 300;
}

async function refusal(line: Line, reply: PostReply): Promise<ChatError> {
  return line.decodeError(reply.status, await reply.text(), reply.headers);
}

/** Remembers what a function gave. Providers have few keys; tokens are replaced by new ones and forgotten with them. */
function memoize(
  make: (stream: boolean, grant: Grant) => HeaderValues,
): (stream: boolean, grant: Grant) => HeaderValues {
  const whole = new WeakMap<Grant, HeaderValues>();
  const streamed = new WeakMap<Grant, HeaderValues>();
  return (stream, grant) => {
    const made = stream ? streamed : whole;
    const known = made.get(grant);
    if (known !== undefined) return known;
    const headers = make(stream, grant);
    made.set(grant, headers);
    return headers;
  };
}
