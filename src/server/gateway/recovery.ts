/** Streams that outlive their provider: another target goes on where the first one broke off. */
import type { Connector, UpstreamMessage } from "../../connectors/connector.ts";
import { ChatError, toChatError } from "../../connectors/hub/error.ts";
import type { Recovery } from "../config/config.ts";
import {
  answerBuffered,
  answerLive,
  type Asking,
  begin,
  type Begun,
  commit,
  follow,
  type Messages,
  takeAll,
} from "./answer.ts";
import type { Attempt } from "./attempt.ts";
import type { Route } from "./catalog.ts";
import { canPrefill } from "./conditions.ts";
import { failover } from "./failover.ts";
import { PREFILL_REFUSED } from "./retry.ts";
import { withPrefill } from "./prefill.ts";
import { createTranscript, type Joint, type Transcript } from "./transcript.ts";

const MODES: readonly string[] = ["error", "buffer", "continue"] satisfies Recovery[];

/** What the client wants of a stream that breaks, or undefined if it does not say. Throws ChatError for what is no way. */
export function readRecovery(headers: Headers): Recovery | undefined {
  const wish = headers.get("x-xjp-recovery");
  if (wish === null) return undefined;
  const mode = wish.trim().toLowerCase();
  if (isRecovery(mode)) return mode;
  throw new ChatError(
    "invalid-request",
    `x-xjp-recovery is ${JSON.stringify(wish.slice(0, 40))}; it must be error, buffer or continue`,
    { param: "x-xjp-recovery" },
  );
}

function isRecovery(mode: string): mode is Recovery {
  return MODES.includes(mode);
}

/** Streams an answer in the way that is wanted. Throws ChatError. */
export function answerStream(asking: Asking, recovery: Recovery): Messages {
  switch (recovery) {
    case "error":
      return answerLive(asking);
    case "buffer":
      return answerBuffered(asking);
    case "continue":
      // Where nobody could go on, the only way to be whole is to show nothing before.
      return asking.routes.some(({ ability }) => canPrefill(ability))
        ? answerContinued(asking)
        : answerBuffered(asking);
  }
}

/**
 * Streams as it comes. When the stream breaks, a target that takes the beginning of its own answer goes on from there; one that
 * does not answers anew, unseen, and if that answer begins with what was sent, its rest is. Neutral events only, since
 * messages of two targets are not of one piece. Throws the ChatError that broke the stream if nobody could go on.
 */
async function* answerContinued(asking: Asking): Messages {
  const { request, exchange, meter, deps } = asking;
  const transcript = createTranscript();
  let begun = await failover(asking.routes, true, exchange, deps, (connector, attempt) =>
    begin(asking, request, connector, attempt),
  );
  commit(exchange, begun);
  let give: Joint = unchanged;
  const refusers = new Set<Route>();
  for (;;) {
    try {
      for await (const { events } of follow(asking, begun)) {
        const given = events.flatMap(give);
        for (const event of given) transcript.note(event);
        if (given.length > 0) yield { events: given };
      }
      return;
    } catch (thrown) {
      const error = toChatError(thrown);
      if (!isWorthGoingOn(error, asking) || !transcript.canGoOn) throw error;
      meter.turn();
      const resumed = await resume(asking, transcript, begun.attempt.route, refusers).catch(
        (failure: unknown) => {
          throw unmended(error, toChatError(failure));
        },
      );
      begun = resumed.begun;
      give = transcript.join(resumed.whole, () => meter.total());
    }
  }
}

const unchanged: Joint = (event) => [event];

function isWorthGoingOn(error: ChatError, { exchange }: Asking): boolean {
  return error.traits.tryElsewhere && exchange.abort.reason === undefined;
}

type Resumed = { readonly begun: Begun; readonly whole: boolean };

/** Finds a target that goes on. The one that broke comes last. */
function resume(
  asking: Asking,
  transcript: Transcript,
  broken: Route,
  refusers: Set<Route>,
): Promise<Resumed> {
  const { routes, request, exchange, deps } = asking;
  const others = routes.filter((route) => route !== broken);
  const { text } = transcript;
  const prefilled = withPrefill(request, text);
  return failover([...others, broken], true, exchange, deps, async (connector, attempt) => {
    const { route } = attempt;
    if (text.trim() === "" || (canPrefill(route.ability) && !refusers.has(route))) {
      try {
        return {
          begun: await begin(asking, prefilled, connector, attempt),
          whole: text.trim() === "",
        };
      } catch (thrown) {
        throw prefillRefused(toChatError(thrown), route, refusers);
      }
    }
    return { begun: await restart(asking, text, connector, attempt), whole: true };
  });
}

/** What a target says that does not take the beginning of its own answer: it is asked at once for all of it. */
function prefillRefused(error: ChatError, route: Route, refusers: Set<Route>): ChatError {
  if (error.kind !== "invalid-request" || error.upstreamStatus === undefined) return error;
  refusers.add(route);
  return new ChatError(error.kind, error.message, {
    ...error.traits,
    told: error.told,
    upstreamStatus: error.upstreamStatus,
    code: PREFILL_REFUSED,
    tryElsewhere: true,
  });
}

/** Takes a whole answer. Throws ChatError if it does not begin with the text that the client has. */
async function restart(
  asking: Asking,
  text: string,
  connector: Connector,
  attempt: Attempt,
): Promise<Begun> {
  const all = await takeAll(asking, asking.request, connector, attempt);
  let anew = "";
  for (const { events } of all) {
    for (const event of events) if (event.type === "text-delta") anew += event.text;
  }
  if (anew.startsWith(text)) return { held: all, messages: ended(), attempt, thoughts: undefined };
  asking.meter.turn();
  throw new ChatError("bad-upstream", "the answer that was asked for anew is another one", {
    code: "recovery_diverged",
    retryHere: false,
  });
}

function ended(): AsyncIterator<UpstreamMessage> {
  return { next: () => Promise.resolve({ done: true, value: undefined }) };
}

/** What broke the stream, with the reason why it stayed broken. */
function unmended(error: ChatError, failure: ChatError): ChatError {
  if (failure.kind === "cancelled") return failure;
  const both = (of: "message" | "told"): string =>
    `${error[of]}; nobody could go on: ${failure[of]}`;
  return new ChatError(error.kind, both("message"), {
    ...error.traits,
    told: both("told"),
    code: error.code,
    upstreamStatus: error.upstreamStatus,
    timer: error.timer,
    cause: error,
  });
}
