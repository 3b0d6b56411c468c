/** From the gateway's messages to an HTTP body: the only place that writes answers. */
import type { UpstreamMessage } from "../../connectors/connector.ts";
import { createCollector } from "../../connectors/hub/collect.ts";
import { type ChatError, toChatError } from "../../connectors/hub/error.ts";
import type { ClientHalf, ReplyContext } from "../../connectors/hub/wire.ts";

export type Messages = AsyncGenerator<UpstreamMessage, void, undefined>;

/** The body of an answer in one piece: the provider's own words where they are of the client's dialect. */
export function wholeReply(
  client: ClientHalf,
  message: UpstreamMessage,
  context: ReplyContext,
): string {
  if (message.raw?.dialect === client.dialect) return client.passReply(message.raw.data, context);
  const collector = createCollector();
  for (const event of message.events) collector.push(event);
  return JSON.stringify(client.encodeReply(collector.reply(), context));
}

export type StreamOptions = {
  readonly client: ClientHalf;
  readonly messages: Messages;
  readonly context: ReplyContext;
  /** Silence after which a keep-alive is sent, in milliseconds. */
  readonly keepAliveMs: number;
  /** Ends the work upstream when the body is left before its end. */
  readonly abandon: () => void;
  /** Told of an error that the client is told of in the stream. */
  readonly onError: (error: ChatError) => void;
  readonly onBytes: (count: number) => void;
  /** Told of every part of the answer, signs of life left out. */
  readonly onText?: (text: string) => void;
  /** How long a client may leave what it was sent unread, in milliseconds; and who is told when it does. */
  readonly slowReaderMs: number;
  readonly onSlowReader: () => void;
  /** Called once, whatever the end. */
  readonly onEnd: () => void;
};

/**
 * Starts a streamed answer: waits for its first message, so that a failure before it can still be told by status, but no
 * longer than `keepAliveMs`, so that nobody on the way takes the connection for dead. Throws ChatError; after that, the
 * returned body tells errors in the stream.
 */
export async function startStream(options: StreamOptions): Promise<AsyncIterable<Uint8Array>> {
  const silence = createSilence(options);
  const first = options.messages.next();
  let isSilent: boolean;
  try {
    isSilent = (await silence.orNext(first)) === undefined;
  } catch (error) {
    silence.stop();
    throw error;
  }
  const parts = body(options, first, silence, isSilent);
  return {
    [Symbol.asyncIterator]: () => ({
      next: () => parts.next(),
      return() {
        // A generator that waits cannot be returned from before its wait is over.
        options.abandon();
        return parts.return();
      },
    }),
  };
}

const encoder = new TextEncoder();

async function* body(
  options: StreamOptions,
  first: Promise<IteratorResult<UpstreamMessage, void>>,
  silence: Silence,
  isSilent: boolean,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { client, messages, context } = options;
  const stream = client.encodeStream(context);
  const send = (text: string): Uint8Array => {
    const bytes = encoder.encode(text);
    options.onBytes(bytes.byteLength);
    silence.given();
    return bytes;
  };
  let pending: Promise<IteratorResult<UpstreamMessage, void>> | undefined = first;
  try {
    if (isSilent) yield send(client.keepAlive);
    for (;;) {
      pending ??= messages.next();
      const result = await silence.orNext(pending);
      if (result === undefined) {
        yield send(client.keepAlive);
        continue;
      }
      pending = undefined;
      if (result.done) break;
      const message = result.value;
      let text = "";
      if (message.raw?.dialect === client.dialect) text = stream.pass(message.raw);
      else for (const event of message.events) text += stream.push(event);
      if (text === "") continue;
      options.onText?.(text);
      yield send(text);
    }
    const last = stream.end();
    options.onText?.(last);
    yield send(last);
  } catch (thrown) {
    const error = toChatError(thrown);
    options.onError(error);
    if (error.kind !== "cancelled") yield send(stream.fail(error));
  } finally {
    silence.stop();
    await messages.return();
    options.onEnd();
  }
}

type Silence = {
  /** What `next` resolves to, or undefined if nothing has come for the whole time. */
  orNext<T>(next: Promise<T>): Promise<T | undefined>;
  /** Something is given to the client, and nothing more will be until it has taken it. */
  given(): void;
  stop(): void;
};

/**
 * Notices when nothing comes for `keepAliveMs`, and when nothing goes for `slowReaderMs`. One timer serves the whole stream, and
 * looks at the clock when it fires.
 */
function createSilence(options: StreamOptions): Silence {
  const { keepAliveMs, slowReaderMs } = options;
  const interval = Math.min(keepAliveMs, slowReaderMs);
  let wake: (() => void) | undefined;
  let last = performance.now();
  /** How often something was given, and whether the client has yet to take it. */
  let gifts = 0;
  let isWaiting = false;
  /** The gift that the client was seen waiting with, and since when. */
  let seen = -1;
  let seenAt = 0;
  const watchReader = (now: number): void => {
    if (!isWaiting || seen !== gifts) {
      seen = isWaiting ? gifts : -1;
      seenAt = now;
    } else if (now - seenAt >= slowReaderMs) options.onSlowReader();
  };
  const check = (): void => {
    const now = performance.now();
    const left = last + keepAliveMs - now;
    if (left <= 1) {
      last = now;
      wake?.();
    }
    watchReader(now);
    timer = setTimeout(check, Math.min(interval, left <= 1 ? keepAliveMs : left));
  };
  let timer = setTimeout(check, interval);
  return {
    orNext(next) {
      isWaiting = false;
      return new Promise((resolve, reject) => {
        wake = () => resolve(undefined);
        next.then((value) => {
          last = performance.now();
          resolve(value);
        }, reject);
      });
    },
    given() {
      gifts += 1;
      isWaiting = true;
    },
    stop: () => clearTimeout(timer),
  };
}
