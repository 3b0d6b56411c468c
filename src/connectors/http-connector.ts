/**
 * A connector made of its values: lines (wire × endpoint × quirks), an address, and a way to authenticate. Whatever one
 * provider over HTTP has in common with the next is here, and nothing that belongs to one of them.
 */
import type { Capabilities } from "./capabilities.ts";
import { checkedApiKeys, checkedBaseUrl, checkedHeaders } from "./checks.ts";
import type {
  ChatCall,
  Connector,
  ConnectorOptions,
  ModelInfo,
  Target,
  Timeouts,
  UpstreamMessage,
} from "./connector.ts";
import {
  createKeyCredentials,
  type Credentials,
  type Grant,
  type HeaderValues,
} from "./credentials.ts";
import { explain } from "./explain.ts";
import { type ChatError, toChatError } from "./hub/error.ts";
import { editJson } from "./hub/json-edit.ts";
import type { Json } from "./hub/json.ts";
import type { ChatRequest } from "./hub/request.ts";
import type { Asked } from "./hub/wire.ts";
import { inlineMedia, urlsToInline } from "./inline-media.ts";
import type { Line } from "./line.ts";
import { readModelList } from "./model-list.ts";
import { unlessAborted } from "./net/failure.ts";
import { createRefusals } from "./refusals.ts";
import { createPoster } from "./net/post.ts";
import { reach } from "./net/reach.ts";
import type { Pieces, PostReply } from "./net/reply.ts";
import { createSseReader } from "./net/sse.ts";
import { decodeWhole, gather, isWhole, parseJson, parseReply, understand } from "./reading.ts";

export type HttpConnectorParts = {
  /** In place of which `options.baseUrl` may stand. */
  readonly baseUrl: string;
  /**
   * The line that this request to this target takes. One of the caller's own dialect, where there is one: on it the request goes
   * verbatim. The same object for the same choice. Throws ChatError where the target cannot be spoken to.
   */
  readonly lineFor: (request: ChatRequest, target: Target) => Line;
  readonly capabilities: (target: Target) => Capabilities;
  /** How an API key is shown, in headers with names in lower case. */
  readonly authorize: (apiKey: string) => HeaderValues;
  /** In place of `options.apiKeys`, for providers that want more than a fixed key. */
  readonly credentials?: Credentials;
  /** Sent with every request, unless configuration says otherwise. Names in lower case. */
  readonly headers?: (configured: HeaderValues) => HeaderValues;
  /** Says of an error what it means at this provider. */
  readonly retell?: (error: ChatError) => ChatError;
  /** Where its list of models is: a path behind the base URL or a whole URL, `false` where there is none; how to read it. */
  readonly models: {
    readonly path: string | false;
    readonly read?: (body: Json) => readonly ModelInfo[];
    /** Whose errors its errors are. */
    readonly line: Line;
  };
};

/** For lists of models, which nobody waits for in mid-conversation. */
const LIST_TIMEOUTS: Timeouts = {
  connectMs: 5_000,
  headersMs: 15_000,
  firstEventMs: 15_000,
  idleMs: 15_000,
};
/** Refusals that a request is fitted to before it is given up: some betas, a few fields, and thoughts. */
const MOST_RECASTS = 4;
/** Shorter configured values are no secrets, and hiding them would spoil words. */
const SHORTEST_SECRET = 8;

/** Puts one together. Throws Error for keys, headers or a base URL that cannot be used. */
export function createHttpConnector(
  options: ConnectorOptions,
  parts: HttpConnectorParts,
): Connector {
  const configured = checkedHeaders(options);
  const credentials =
    parts.credentials ?? createKeyCredentials(checkedApiKeys(options), parts.authorize);
  const behind = checkedBaseUrl(options.name, options.baseUrl ?? parts.baseUrl);
  const urlOf = (path: string): string => (/^https?:/.test(path) ? path : behind(path));
  const secrets = Object.values(configured).filter((value) => value.length >= SHORTEST_SECRET);
  const refusals = createRefusals();
  const poster = createPoster({ fetch: options.fetch });
  const { retell = (error) => error } = parts;

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

  /** Sends a body; the answer may be an error's. */
  const send = (
    line: Line,
    path: string,
    body: string,
    stream: boolean,
    call: ChatCall,
    grant: Grant,
  ): Promise<PostReply> => {
    const headers = headersFor(stream, grant);
    const more = line.forward(call.headers, configured);
    return poster.post({
      url: urlOf(path),
      headers: more === undefined ? headers : { ...headers, ...more, ...configured },
      body,
      timeouts: call.timeouts,
      reins: call,
      stream,
    });
  };

  /** The request with media that this target cannot fetch, or undefined where there are none. */
  const inlining = (
    line: Line,
    request: ChatRequest,
    { target, signal }: ChatCall,
    verbatim: boolean,
  ): Promise<ChatRequest> | undefined => {
    const urls = urlsToInline(request, () => parts.capabilities(target));
    if (urls.size === 0 || !options.download) return undefined;
    const rewrite: typeof line.inline | undefined = verbatim
      ? (text, found) => line.inline(text, found)
      : undefined;
    return inlineMedia(request, urls, options.download, signal, rewrite);
  };

  /** Sends the request; the answer may be an error's. */
  const ask = (
    line: Line,
    request: ChatRequest,
    call: ChatCall,
    verbatim: boolean,
    grant: Grant,
  ): Promise<PostReply> => {
    const { target, drop } = call;
    const inlined = inlining(line, request, call, verbatim);
    if (inlined) return inlined.then((whole) => ask(line, whole, call, verbatim, grant));
    const body = verbatim
      ? editJson(line.verbatim(request), {
          model: target.model,
          ...line.amend(request, drop, target),
        })
      : JSON.stringify(line.encodeRequest(request, target, drop));
    const { stream } = request;
    return send(line, line.path(target, stream), body, stream, call, grant);
  };

  const asking =
    (line: Line, call: ChatCall, verbatim: boolean, grant: Grant) =>
    ({ request, headers }: Asked): Promise<PostReply> =>
      ask(line, request, headers === call.headers ? call : { ...call, headers }, verbatim, grant);

  /** What is asked, less what the target's model has refused of late. */
  const fitted = (line: Line, request: ChatRequest, { headers, target, drop }: ChatCall): Asked =>
    refusals.fit(line, target.model, { request, headers }, drop);

  /** Asks anew, as often as the line knows how to avoid the refusal, which is thrown otherwise. */
  const askAnew = async (
    line: Line,
    asked: Asked,
    call: ChatCall,
    refused: PostReply,
    again: (asked: Asked) => Promise<PostReply>,
    left = MOST_RECASTS,
  ): Promise<PostReply> => {
    const error = await refusal(line, refused);
    const recast = left > 0 ? line.recast?.(asked, error, call.drop) : undefined;
    if (recast === undefined) throw error;
    if (recast.lasting) refusals.remember(call.target.model, error);
    const reply = await again(recast);
    return isGood(reply) ? reply : askAnew(line, recast, call, reply, again, left - 1);
  };

  /** Does something with a grant; its errors leave as `explain` tells them. */
  const granted = async <Result>(
    signal: AbortSignal,
    act: (grant: Grant) => Promise<Result>,
  ): Promise<Result> => {
    let grant: Grant | undefined;
    try {
      const taken = credentials.take();
      grant = taken instanceof Promise ? await unlessAborted(taken, signal) : taken;
      return await act(grant);
    } catch (thrown) {
      throw told(thrown, grant);
    }
  };

  const told = (thrown: unknown, grant: Grant | undefined): ChatError =>
    explain(retell(toChatError(thrown)), grant, secrets);

  async function* chat(
    request: ChatRequest,
    call: ChatCall,
  ): AsyncGenerator<UpstreamMessage, void, undefined> {
    let grant: Grant | undefined;
    let pieces: Pieces | undefined;
    try {
      const line = parts.lineFor(request, call.target);
      const { dialect } = line;
      const verbatim = goesVerbatim(line, request);
      const taken = credentials.take();
      grant = taken instanceof Promise ? await unlessAborted(taken, call.signal) : taken;
      const asked = fitted(line, request, call);
      const post = asking(line, call, verbatim, grant);
      let reply = await post(asked);
      if (!isGood(reply)) reply = await askAnew(line, asked, call, reply, post);
      call.onHead?.(reply.headers);
      // Some hosts answer in one piece what was to be streamed.
      if (isWhole(reply, true)) {
        yield { events: decodeWhole(await reply.text(), reply, line) };
        return;
      }
      const decoder = line.decodeStream();
      const sse = createSseReader();
      pieces = reply.pieces();
      for (let piece, ended = false; !ended; ended = piece === undefined) {
        piece = await pieces.next();
        for (const message of piece ? sse.push(piece) : sse.end()) {
          const events = understand(message, decoder, call);
          if (events === undefined) continue;
          if (decoder.done) reply.settle();
          if (verbatim) {
            yield { raw: { dialect, event: message.event, data: message.data }, events };
          } else if (events.length > 0) yield { events };
          if (decoder.done) return;
        }
      }
      const events = decoder.end();
      if (verbatim && line.terminator) yield { raw: { dialect, ...line.terminator }, events };
      else if (events.length > 0) yield { events };
    } catch (thrown) {
      throw told(thrown, grant);
    } finally {
      pieces?.leave();
    }
  }

  const complete = async (request: ChatRequest, call: ChatCall): Promise<UpstreamMessage> => {
    let grant: Grant | undefined;
    try {
      const line = parts.lineFor(request, call.target);
      const { dialect } = line;
      const verbatim = goesVerbatim(line, request);
      const taken = credentials.take();
      grant = taken instanceof Promise ? await unlessAborted(taken, call.signal) : taken;
      const asked = fitted(line, request, call);
      const post = asking(line, call, verbatim, grant);
      let reply = await post(asked);
      if (!isGood(reply)) reply = await askAnew(line, asked, call, reply, post);
      call.onHead?.(reply.headers);
      // And some stream what was to be in one piece.
      if (!isWhole(reply, false)) return { events: await gather(reply, line.decodeStream(), call) };
      const data = await reply.text();
      const events = decodeWhole(data, reply, line);
      return verbatim ? { raw: { dialect, data }, events } : { events };
    } catch (thrown) {
      throw told(thrown, grant);
    }
  };

  const list = (url: string, signal: AbortSignal): Promise<readonly ModelInfo[]> =>
    granted(signal, async (grant) => {
      const reply = await poster.post({
        method: "GET",
        url,
        headers: headersFor(false, grant),
        timeouts: LIST_TIMEOUTS,
        reins: { signal },
        stream: false,
      });
      const text = await reply.text();
      if (reply.status >= 400) {
        throw parts.models.line.decodeError(reply.status, text, reply.headers);
      }
      return (parts.models.read ?? readModelList)(parseJson(text, reply));
    });
  const { path: modelsPath } = parts.models;

  return {
    name: options.name,
    chat,
    complete,
    capabilities: parts.capabilities,
    ...(modelsPath === false ? {} : { models: (signal) => list(urlOf(modelsPath), signal) }),
    countTokens: (request, call) =>
      granted(call.signal, async (grant) => {
        const line = parts.lineFor(request, call.target);
        const { counter } = line;
        if (!counter) return undefined;
        const { target } = call;
        const verbatim = goesVerbatim(line, request);
        const count = ({ request: counted, headers }: Asked): Promise<PostReply> => {
          const body = counter.encode(counted, target);
          return send(line, counter.path(target), body, false, { ...call, headers }, grant);
        };
        const whole = await (inlining(line, request, call, verbatim) ?? request);
        const asked = fitted(line, whole, call);
        let reply = await count(asked);
        if (!isGood(reply)) reply = await askAnew(line, asked, call, reply, count);
        return counter.decode(parseReply(await reply.text(), reply));
      }),
    reach: (timeoutMs) => reach(behind(""), timeoutMs),
    close: () => poster.close(),
  };
}

function goesVerbatim(line: Line, { source }: ChatRequest): boolean {
  return source.dialect === line.dialect && !line.isTranslated;
}

function isGood({ status }: PostReply): boolean {
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
