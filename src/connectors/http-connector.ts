/**
 * A connector made of its values: lines (wire × endpoint × quirks), an address, and a way to authenticate. Whatever one
 * provider over HTTP has in common with the next is here, and nothing that belongs to one of them.
 */
import { checkedApiKeys } from "./checks.ts";
import type {
  ChatCall,
  Connector,
  ConnectorOptions,
  ModelInfo,
  Timeouts,
  UpstreamMessage,
} from "./connector.ts";
import {
  createKeyCredentials,
  type Credentials,
  type Grant,
  type HeaderValues,
} from "./credentials.ts";
import { createErrands, type Errand, type ErrandParts, isGood } from "./errand.ts";
import { explain } from "./explain.ts";
import { type ChatError, toChatError } from "./hub/error.ts";
import type { Json } from "./hub/json.ts";
import type { ChatRequest } from "./hub/request.ts";
import type { Line } from "./line.ts";
import { readModelList } from "./model-list.ts";
import { unlessAborted } from "./net/failure.ts";
import { createPoster } from "./net/post.ts";
import { reach } from "./net/reach.ts";
import type { Pieces, PostReply } from "./net/reply.ts";
import { createSseReader } from "./net/sse.ts";
import { decodeWhole, gather, isWhole, parseJson, parseReply, understand } from "./reading.ts";

export type HttpConnectorParts = ErrandParts & {
  /** How an API key is shown, in headers with names in lower case. */
  readonly authorize: (apiKey: string) => HeaderValues;
  /** In place of `options.apiKeys`, for providers that want more than a fixed key. */
  readonly credentials?: Credentials;
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

/** Puts one together. Throws Error for keys, headers or a base URL that cannot be used. */
export function createHttpConnector(
  options: ConnectorOptions,
  parts: HttpConnectorParts,
): Connector {
  const poster = createPoster({ fetch: options.fetch });
  const errands = createErrands(options, parts, poster);
  const credentials =
    parts.credentials ?? createKeyCredentials(checkedApiKeys(options), parts.authorize);
  const { retell = (error) => error } = parts;

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
    explain(retell(toChatError(thrown)), grant, errands.secrets);

  async function* chat(
    request: ChatRequest,
    call: ChatCall,
  ): AsyncGenerator<UpstreamMessage, void, undefined> {
    let grant: Grant | undefined;
    let pieces: Pieces | undefined;
    try {
      const taken = credentials.take();
      grant = taken instanceof Promise ? await unlessAborted(taken, call.signal) : taken;
      const errand = errands.errand(request, call, grant);
      const { line, verbatim } = errand;
      let reply = await errands.ask(errand);
      if (!isGood(reply)) reply = await errands.askAnew(errand, reply);
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
            const { event, data } = message;
            yield { raw: { dialect: line.dialect, event, data }, events };
          } else if (events.length > 0) yield { events };
          if (decoder.done) return;
        }
      }
      const events = decoder.end();
      if (verbatim && line.terminator)
        yield { raw: { dialect: line.dialect, ...line.terminator }, events };
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
      const taken = credentials.take();
      grant = taken instanceof Promise ? await unlessAborted(taken, call.signal) : taken;
      const errand = errands.errand(request, call, grant);
      const { line, verbatim } = errand;
      let reply = await errands.ask(errand);
      if (!isGood(reply)) reply = await errands.askAnew(errand, reply);
      call.onHead?.(reply.headers);
      // And some stream what was to be in one piece.
      if (!isWhole(reply, false)) return { events: await gather(reply, line.decodeStream(), call) };
      const data = await reply.text();
      const events = decodeWhole(data, reply, line);
      return verbatim ? { raw: { dialect: line.dialect, data }, events } : { events };
    } catch (thrown) {
      throw told(thrown, grant);
    }
  };

  const list = (url: string, signal: AbortSignal): Promise<readonly ModelInfo[]> =>
    granted(signal, async (grant) => {
      const reply = await poster.post({
        method: "GET",
        url,
        headers: errands.headersFor(false, grant),
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
    ...(modelsPath === false
      ? {}
      : { models: (signal) => list(errands.urlOf(modelsPath), signal) }),
    countTokens: (request, call) =>
      granted(call.signal, async (grant) => {
        const errand = errands.errand(request, call, grant);
        const { counter } = errand.line;
        if (!counter) return undefined;
        const { target } = call;
        const count = (asked: Errand): Promise<PostReply> =>
          errands.send(asked, counter.path(target), counter.encode(asked.request, target), false);
        const whole = await errands.withMedia(errand);
        let reply = await count(whole);
        if (!isGood(reply)) reply = await errands.askAnew(whole, reply, count);
        return counter.decode(parseReply(await reply.text(), reply));
      }),
    reach: (timeoutMs) => reach(errands.urlOf(""), timeoutMs),
    close: () => poster.close(),
  };
}
