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
  /** Called once, whatever the end. */
  readonly onEnd: () => void;
};

/**
 * Starts a streamed answer: waits for its first message, so that a failure before it can still be told by status, but no
 * longer than `keepAliveMs`, so that nobody on the way takes the connection for dead. Throws ChatError; after that, the
 * returned body tells errors in the stream.
 */
export async function startStream(options: StreamOptions): Promise<AsyncIterable<Uint8Array>> {
  const silence = createSilence(options.keepAliveMs);
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
      if (text !== "") yield send(text);
    }
    yield send(stream.end());
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
  stop(): void;
};

/** Notices when nothing comes for `ms`. One timer serves the whole stream, and looks at the clock when it fires. */
function createSilence(ms: number): Silence {
  let wake: (() => void) | undefined;
  let last = performance.now();
  const check = (): void => {
    const left = last + ms - performance.now();
    if (left <= 1) {
      last = performance.now();
      wake?.();
    }
    timer = setTimeout(check, left <= 1 ? ms : left);
  };
  let timer = setTimeout(check, ms);
  return {
    orNext: (next) =>
      new Promise((resolve, reject) => {
        wake = () => resolve(undefined);
        next.then((value) => {
          last = performance.now();
          resolve(value);
        }, reject);
      }),
    stop: () => clearTimeout(timer),
  };
}
