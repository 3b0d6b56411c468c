/** How an answer is taken from the targets of a plan: whole, as a stream, or as a stream that is shown only when it is whole. */
import type { Connector, UpstreamMessage } from "../../connectors/connector.ts";
import { ChatError, toChatError } from "../../connectors/hub/error.ts";
import type { ChatEvent } from "../../connectors/hub/event.ts";
import type { ChatRequest } from "../../connectors/hub/request.ts";
import type { Attempt } from "./attempt.ts";
import type { Route } from "./catalog.ts";
import type { Exchange } from "./exchange.ts";
import { failover, type FailoverDeps } from "./failover.ts";
import type { Meter } from "./meter.ts";
import { type Collecting, collectThoughts, givenBack } from "./thoughts.ts";
import type { Vault } from "./vault.ts";

/** What all ways of answering need. */
export type Asking = {
  readonly request: ChatRequest;
  /** In the order in which to try them. */
  readonly routes: readonly Route[];
  readonly exchange: Exchange;
  readonly meter: Meter;
  readonly vault: Vault;
  readonly deps: FailoverDeps;
};

export type Messages = AsyncGenerator<UpstreamMessage, void, undefined>;

/** Answers in one piece, from the first route that does. Throws ChatError. */
export function answerWhole(asking: Asking): Promise<UpstreamMessage> {
  const { request, routes, exchange, meter, deps } = asking;
  return failover(
    routes,
    false,
    exchange,
    deps,
    (connector, attempt) => connector.complete(adapted(asking, request, attempt), attempt),
    ({ events }, attempt) => {
      meter.observe(events);
      collecting(asking, attempt)?.observe(events);
      exchange.committed = true;
      attempt.end("ok");
    },
  );
}

/**
 * Streams the answer of the first route that begins one. Nothing is yielded before the first event that carries meaning, so
 * every failure before it is invisible to the client; after it, a failure is thrown as it is.
 */
export async function* answerLive(asking: Asking): Messages {
  const { request, routes, exchange, deps } = asking;
  const begun = await failover(routes, true, exchange, deps, (connector, attempt) =>
    begin(asking, request, connector, attempt),
  );
  commit(exchange, begun);
  yield* follow(asking, begun);
}

/** Streams an answer that is shown only when all of it is there: until then, whatever breaks is tried again unseen. */
export async function* answerBuffered(asking: Asking): Messages {
  const { request, routes, exchange, deps } = asking;
  yield* await failover(routes, true, exchange, deps, async (connector, attempt) => {
    const messages = await takeAll(asking, request, connector, attempt);
    exchange.committed = true;
    return messages;
  });
}

/** A stream to its end. What a broken one has used is on the books all the same. */
export async function takeAll(
  asking: Asking,
  request: ChatRequest,
  connector: Connector,
  attempt: Attempt,
): Promise<readonly UpstreamMessage[]> {
  const { meter } = asking;
  const all: UpstreamMessage[] = [];
  const begun = await begin(asking, request, connector, attempt);
  try {
    for await (const message of follow(asking, begun)) all.push(message);
    return all;
  } catch (thrown) {
    meter.turn();
    throw thrown;
  }
}

/** An answer that has begun: what came up to its first event with meaning, and where the rest comes from. */
export type Begun = {
  readonly held: readonly UpstreamMessage[];
  readonly messages: AsyncIterator<UpstreamMessage>;
  readonly attempt: Attempt;
  readonly thoughts: Collecting | undefined;
};

/** Asks for a stream and waits for its first event with meaning. */
export async function begin(
  asking: Asking,
  request: ChatRequest,
  connector: Connector,
  attempt: Attempt,
): Promise<Begun> {
  const { exchange, meter } = asking;
  const adaptedRequest = adapted(asking, request, attempt);
  const messages = connector.chat(adaptedRequest, attempt)[Symbol.asyncIterator]();
  const thoughts = collecting(asking, attempt);
  const held: UpstreamMessage[] = [];
  for (;;) {
    const next = await messages.next();
    if (next.done) {
      throw new ChatError("bad-upstream", `${exchange.provider} ended its answer before it began`);
    }
    held.push(next.value);
    if (!next.value.events.some(isMeaningful)) continue;
    for (const { events } of held) {
      meter.observe(events);
      thoughts?.observe(events);
    }
    return { held, messages, attempt, thoughts };
  }
}

/** Notes that the client gets to see an answer now; from here on it may take as long as the gateway allows. */
export function commit(exchange: Exchange, { attempt }: Begun): void {
  exchange.committed = true;
  if (exchange.deadline === exchange.end) return;
  exchange.deadline = exchange.end;
  attempt.extend();
}

/** The rest of an answer that has begun, to its end or to the ChatError that it throws; the attempt ends with it. */
export async function* follow({ meter }: Asking, begun: Begun): Messages {
  const { held, messages, attempt, thoughts } = begun;
  try {
    yield* held;
    for (;;) {
      const next = await messages.next();
      if (next.done) break;
      meter.observe(next.value.events);
      thoughts?.observe(next.value.events);
      yield next.value;
    }
    attempt.end("ok");
  } catch (thrown) {
    const error = toChatError(thrown);
    attempt.end(error);
    throw error;
  } finally {
    // Only if the consumer left: no other end has come then.
    if (attempt.end("abandoned")) await messages.return?.();
  }
}

/** The request with the thoughts that this target's models want back. */
function adapted(
  { vault, exchange }: Asking,
  request: ChatRequest,
  { route }: Attempt,
): ChatRequest {
  return givenBack(request, route.ability.known.reasoningFamily, vault, exchange.caller.tenantId);
}

/** Watches for thoughts that will be wanted back, where the target's models make such. */
function collecting({ vault, exchange }: Asking, { route }: Attempt): Collecting | undefined {
  const family = route.ability.known.reasoningFamily;
  return family === undefined || family === "none"
    ? undefined
    : collectThoughts(vault, exchange.caller.tenantId, family);
}

/** Whether an event is part of the answer, rather than its announcement. */
function isMeaningful(event: ChatEvent): boolean {
  switch (event.type) {
    case "start":
    case "usage":
    case "text-start":
    case "reasoning-start":
      return false;
    case "text-delta":
    case "reasoning-delta":
      return event.text !== "";
    case "text-end":
    case "reasoning-signature":
    case "reasoning-end":
    case "tool-start":
    case "tool-delta":
    case "tool-end":
    case "annotation":
    case "logprobs":
    case "media":
    case "finish":
      return true;
  }
}
