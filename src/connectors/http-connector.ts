/**
 * A connector made of its four values: a wire, an endpoint, a way to authenticate, and the wire's named quirks. Whatever one
 * provider over HTTP has in common with the next is here, and nothing that belongs to one of them.
 */
import { createApiKeys } from "./api-keys.ts";
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
import { explain } from "./explain.ts";
import { toChatError } from "./hub/error.ts";
import { editJson } from "./hub/json-edit.ts";
import type { Json } from "./hub/json.ts";
import type { ChatRequest } from "./hub/request.ts";
import type { ProviderHalf, SseMessage } from "./hub/wire.ts";
import { readModelList } from "./model-list.ts";
import { createPoster } from "./net/post.ts";
import type { PostReply } from "./net/reply.ts";
import { readSse } from "./net/sse.ts";
import { gather, isWhole, parseJson, parseReply, understand } from "./reading.ts";

type HeaderValues = Readonly<Record<string, string>>;

export type HttpConnectorParts<Quirks> = {
  readonly wire: ProviderHalf<Quirks>;
  readonly quirks: Quirks;
  /** In place of which `options.baseUrl` may stand. */
  readonly baseUrl: string;
  /** Behind the base URL. */
  readonly chatPath: (target: Target, stream: boolean) => string;
  /** Behind the base URL, or a whole URL; `false` where there is no list. */
  readonly modelsPath: string | false;
  readonly authorize: (apiKey: string) => HeaderValues;
  /** Sent with every request, unless configuration says otherwise. Names in lower case. */
  readonly headers: (configured: HeaderValues) => HeaderValues;
  /** What a client's headers change in those, if anything; configuration wins. Names in lower case. */
  readonly forward: (client: Headers, configured: HeaderValues) => HeaderValues | undefined;
  /** What must change in a body that is passed on verbatim, besides the model. Calls `drop` for what it deletes. */
  readonly amend: (
    request: ChatRequest,
    drop: (field: string) => void,
  ) => Readonly<Record<string, Json | undefined>>;
  /** The message that ends a good stream, for those that end without it. */
  readonly terminator: SseMessage;
};

/** For lists of models, which nobody waits for in mid-conversation. */
const LIST_TIMEOUTS: Timeouts = {
  connectMs: 5_000,
  headersMs: 15_000,
  firstEventMs: 15_000,
  idleMs: 15_000,
};
/** Shorter configured values are no secrets, and hiding them would spoil words. */
const SHORTEST_SECRET = 8;

/** Puts one together. Throws Error for keys, headers or a base URL that cannot be used. */
export function createHttpConnector<Quirks>(
  options: ConnectorOptions,
  parts: HttpConnectorParts<Quirks>,
): Connector {
  const { wire, quirks } = parts;
  const configured = checkedHeaders(options);
  const keys = createApiKeys(checkedApiKeys(options));
  const behind = checkedBaseUrl(options.name, options.baseUrl ?? parts.baseUrl);
  const secrets = [...options.apiKeys, ...Object.values(configured)].filter(
    (value) => value.length >= SHORTEST_SECRET,
  );
  const poster = createPoster({ fetch: options.fetch });

  const own = parts.headers(configured);
  const headersFor = memoize((stream: boolean, apiKey: string | undefined) => ({
    accept: stream ? "text/event-stream" : "application/json",
    // Compression saves little on short texts, costs time on both sides, and holds streams back.
    "accept-encoding": "identity",
    "content-type": "application/json",
    "user-agent": "xjp",
    ...own,
    ...(apiKey === undefined ? {} : parts.authorize(apiKey)),
    ...configured,
  }));

  /** Sends the request and waits for a good status. */
  const ask = async (
    request: ChatRequest,
    call: ChatCall,
    verbatim: boolean,
    apiKey: string | undefined,
  ): Promise<PostReply> => {
    const { model } = call.target;
    const body = verbatim
      ? editJson(request.source.text, { model, ...parts.amend(request, call.drop) })
      : JSON.stringify(wire.encodeRequest(request, model, quirks, call.drop));
    const headers = headersFor(request.stream, apiKey);
    const more = parts.forward(call.headers, configured);
    const reply = await poster.post({
      url: behind(parts.chatPath(call.target, request.stream)),
      headers: more === undefined ? headers : { ...headers, ...more, ...configured },
      body,
      timeouts: call.timeouts,
      signal: call.signal,
      stream: request.stream,
    });
    if (reply.status >= 200 && reply.status < 300) return reply;
    throw wire.decodeError(reply.status, await reply.text(), reply.headers);
  };

  async function* chat(
    request: ChatRequest,
    call: ChatCall,
  ): AsyncGenerator<UpstreamMessage, void, undefined> {
    const apiKey = keys.take();
    const { dialect } = wire;
    const verbatim = request.source.dialect === dialect;
    try {
      const reply = await ask(request, call, verbatim, apiKey);
      // Hosts answer in one piece what was to be streamed, and the other way round; either is an answer.
      if (isWhole(reply, request.stream)) {
        const data = await reply.text();
        const events = wire.decodeReply(parseReply(data, reply), quirks);
        yield verbatim && !request.stream ? { raw: { dialect, data }, events } : { events };
        return;
      }
      if (!request.stream) {
        yield { events: await gather(reply, wire.decodeStream(quirks), call) };
        return;
      }
      const decoder = wire.decodeStream(quirks);
      for await (const messages of readSse(reply.chunks())) {
        for (const message of messages) {
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
      if (verbatim) yield { raw: { dialect, ...parts.terminator }, events };
      else if (events.length > 0) yield { events };
    } catch (thrown) {
      throw explain(toChatError(thrown), keys, apiKey, secrets);
    }
  }

  const list = async (url: string, signal: AbortSignal): Promise<readonly ModelInfo[]> => {
    const apiKey = keys.take();
    try {
      const reply = await poster.post({
        method: "GET",
        url,
        headers: headersFor(false, apiKey),
        timeouts: LIST_TIMEOUTS,
        signal,
        stream: false,
      });
      const text = await reply.text();
      if (reply.status >= 400) throw wire.decodeError(reply.status, text, reply.headers);
      return readModelList(parseJson(text, reply));
    } catch (thrown) {
      throw explain(toChatError(thrown), keys, apiKey, secrets);
    }
  };
  const { modelsPath } = parts;

  return {
    name: options.name,
    chat,
    ...(modelsPath === false
      ? {}
      : {
          models: (signal) =>
            list(/^https?:/.test(modelsPath) ? modelsPath : behind(modelsPath), signal),
        }),
    close: () => poster.close(),
  };
}

/** Remembers what a function gave; providers have few keys. */
function memoize(
  make: (stream: boolean, apiKey: string | undefined) => HeaderValues,
): (stream: boolean, apiKey: string | undefined) => HeaderValues {
  const whole = new Map<string | undefined, HeaderValues>();
  const streamed = new Map<string | undefined, HeaderValues>();
  return (stream, apiKey) => {
    const made = stream ? streamed : whole;
    const known = made.get(apiKey);
    if (known !== undefined) return known;
    const headers = make(stream, apiKey);
    made.set(apiKey, headers);
    return headers;
  };
}
