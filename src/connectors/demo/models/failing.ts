/** Models that misbehave the way providers do, so that clients, retries and fallbacks can be tried. */
import type { ChatError } from "../../hub/error.ts";
import type { JsonObject } from "../../hub/json.ts";
import { openaiChatProvider } from "../../wire/openai-chat/egress.ts";
import type { DemoModel } from "../answer.ts";
import { fingerprint } from "../prompt.ts";
import { tellStory } from "./story.ts";

type Refusal = {
  readonly title: string;
  readonly status: number;
  readonly error: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
};

/** What an OpenAI-compatible provider sends in each case; the wire decides what it means, as for a real one. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  "fail-400": {
    title: "refuses the request as invalid",
    status: 400,
    error: {
      message: "The demo provider finds fault with every request to this model.",
      type: "invalid_request_error",
      param: "messages",
      code: "invalid_value",
    },
  },
  "fail-401": {
    title: "refuses the gateway's own credentials",
    status: 401,
    error: {
      message: "The demo provider does not accept the gateway's key.",
      type: "invalid_request_error",
      param: null,
      code: "invalid_api_key",
    },
  },
  "fail-429": {
    title: "is over its rate limit, with Retry-After 2",
    status: 429,
    error: {
      message: "The demo provider is over its rate limit.",
      type: "requests",
      param: null,
      code: "rate_limit_exceeded",
    },
    headers: { "retry-after": "2" },
  },
  "fail-500": {
    title: "fails with status 500",
    status: 500,
    error: {
      message: "The demo provider failed.",
      type: "server_error",
      param: null,
      code: null,
    },
  },
  "fail-503": {
    title: "is overloaded, status 503",
    status: 503,
    error: {
      message: "The demo provider is overloaded.",
      type: "server_error",
      param: null,
      code: "overloaded",
    },
  },
  "fail-context": {
    title: "finds the prompt longer than its context",
    status: 400,
    error: {
      message:
        "This model's maximum context length is 0 tokens. Please reduce the length of the messages.",
      type: "invalid_request_error",
      param: "messages",
      code: "context_length_exceeded",
    },
  },
  "fail-refuse": {
    title: "refuses on grounds of its content policy",
    status: 400,
    error: {
      message: "The request was rejected by the demo provider's content policy.",
      type: "invalid_request_error",
      param: null,
      code: "content_policy_violation",
    },
  },
};

function errorOf(refusal: Refusal): ChatError {
  return openaiChatProvider.decodeError(
    refusal.status,
    JSON.stringify({ error: refusal.error }),
    new Headers(refusal.headers),
  );
}

const refusing: readonly DemoModel[] = Object.entries(REFUSALS).map(([id, refusal]) => ({
  id,
  title: refusal.title,
  answer() {
    throw errorOf(refusal);
  },
}));

const breaking: readonly DemoModel[] = [
  {
    id: "fail-timeout",
    title: "never answers",
    answer: () => ({ blocks: [], fault: "silent" }),
  },
  {
    id: "fail-cut",
    title: "breaks off in the middle",
    answer: () => ({ blocks: [{ type: "text", text: tellStory(0) }], fault: "cut" }),
  },
  {
    id: "fail-stall",
    title: "goes silent in the middle",
    answer: () => ({ blocks: [{ type: "text", text: tellStory(0) }], fault: "stall" }),
  },
  {
    id: "fail-empty",
    title: "ends well without having said anything",
    answer: () => ({ blocks: [] }),
  },
];

/** Conversations remembered at once; the oldest is forgotten first. */
const MOST_REMEMBERED = 1000;

/** Fails at a conversation's first request and answers its second, and so on in turn. */
function createFailOnce(): DemoModel {
  const failed = new Set<string>();
  return {
    id: "fail-once",
    title: "fails at the first request of a conversation and answers the next",
    answer(request) {
      const conversation = fingerprint(request);
      if (failed.delete(conversation)) {
        return { blocks: [{ type: "text", text: "This is the second try, and it works." }] };
      }
      const [oldest] = failed;
      if (failed.size >= MOST_REMEMBERED && oldest !== undefined) failed.delete(oldest);
      failed.add(conversation);
      throw errorOf({
        title: "",
        status: 500,
        error: {
          message: "The demo provider failed; the next try will work.",
          type: "server_error",
        },
      });
    },
  };
}

/** All of them; the memory of `fail-once` belongs to the list. */
export function createFailingModels(): readonly DemoModel[] {
  return [...refusing, ...breaking, createFailOnce()];
}
