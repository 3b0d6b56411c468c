import type { Json, JsonObject } from "../../hub/json.ts";
import type { ChatRequest, Sampling } from "../../hub/request.ts";
import { encodeMessages } from "./egress-message.ts";
import type { Writing } from "./egress-part.ts";
import { encodeReasoningRequest } from "./egress-reasoning.ts";
import { encodeOutput, encodeTools } from "./egress-tools.ts";
import { cannot, onceEach, settleUnmapped } from "../writing.ts";
import { isSupported, type OpenAIChatFeature, type OpenAIChatQuirks } from "./quirks.ts";
import { shortUser } from "./short.ts";

/** Numbers that shape sampling: the hub's name, the dialect's, the feature a host must have, and whether it can go without. */
const SAMPLING: readonly {
  readonly from: keyof Sampling;
  readonly to: string;
  readonly needs?: OpenAIChatFeature;
  readonly matters?: boolean;
}[] = [
  { from: "temperature", to: "temperature" },
  { from: "topP", to: "top_p" },
  { from: "topK", to: "top_k", needs: "topK" },
  { from: "minP", to: "min_p", needs: "minP" },
  { from: "frequencyPenalty", to: "frequency_penalty", needs: "penalties" },
  { from: "presencePenalty", to: "presence_penalty", needs: "penalties" },
  { from: "repetitionPenalty", to: "repetition_penalty", needs: "repetitionPenalty" },
  { from: "seed", to: "seed", needs: "seed" },
  { from: "logitBias", to: "logit_bias", needs: "logitBias", matters: true },
  { from: "logprobs", to: "logprobs", needs: "logprobs", matters: true },
  { from: "topLogprobs", to: "top_logprobs", needs: "logprobs", matters: true },
];

function encodeSampling({ quirks, drop }: Writing, sampling: Sampling): JsonObject {
  const body: Record<string, Json> = {};
  for (const { from, to, needs, matters } of SAMPLING) {
    const value = sampling[from];
    if (value === undefined) continue;
    if (needs === undefined || isSupported(quirks, needs)) body[to] = value;
    // `logprobs: false` asks for nothing.
    else if (matters && value !== false) throw cannot(to, to);
    else drop(to);
  }
  return body;
}

/** Fields that say something about the request and not about the answer. */
function encodeLabels({ quirks, drop }: Writing, request: ChatRequest): JsonObject {
  const labels: readonly [OpenAIChatFeature, string, Json | undefined][] = [
    ["verbosity", "verbosity", request.verbosity],
    ["promptCacheKey", "prompt_cache_key", request.cacheKey],
    ["user", "user", request.user === undefined ? undefined : shortUser(request.user)],
    ["metadata", "metadata", request.metadata],
  ];
  const body: Record<string, Json> = {};
  for (const [feature, field, value] of labels) {
    if (value === undefined) continue;
    if (isSupported(quirks, feature)) body[field] = value;
    else drop(field);
  }
  return body;
}

function encodeStop({ quirks }: Writing, stop: readonly string[]): JsonObject {
  if (stop.length === 0) return {};
  const most = quirks.maxStopSequences;
  if (most !== undefined && stop.length > most) {
    throw cannot("stop", `more than ${most} stop sequences`);
  }
  return { stop };
}

function encodeStreaming({ quirks }: Writing, request: ChatRequest): JsonObject {
  if (!request.stream) return { stream: false };
  // Asked for on every stream, also when the caller did not: the tokens must be accounted for.
  const ask = (quirks.streamUsage ?? "include_usage") === "include_usage";
  return { stream: true, ...(ask ? { stream_options: { include_usage: true } } : {}) };
}

/** The body of a Chat Completions request for this host. */
export function encodeRequest(
  request: ChatRequest,
  model: string,
  quirks: OpenAIChatQuirks,
  drop: (field: string) => void,
): JsonObject {
  const writing: Writing = { quirks, drop: onceEach(drop) };
  settleUnmapped(request, writing.drop);
  if ((request.candidates ?? 1) !== 1) throw cannot("n", "more than one answer to a request");
  const { maxOutputTokens } = request;
  return {
    model,
    messages: encodeMessages(writing, request),
    ...encodeTools(writing, request),
    ...(maxOutputTokens === undefined
      ? {}
      : { [quirks.maxTokensField ?? "max_tokens"]: maxOutputTokens }),
    ...encodeSampling(writing, request.sampling),
    ...encodeStop(writing, request.stop),
    ...encodeOutput(writing, request.output),
    ...encodeReasoningRequest(writing, request.reasoning),
    ...encodeLabels(writing, request),
    ...encodeStreaming(writing, request),
  };
}
