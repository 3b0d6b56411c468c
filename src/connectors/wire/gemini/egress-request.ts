import type { Json, JsonObject } from "../../hub/json.ts";
import type { ChatRequest, Message, Sampling } from "../../hub/request.ts";
import { cannot, type Drop, onceEach, settleUnmapped } from "../writing.ts";
import { encodeContents } from "./egress-contents.ts";
import { readExtras } from "./egress-extras.ts";
import { encodeThinking } from "./egress-thinking.ts";
import { encodeOutput, encodeTools } from "./egress-tools.ts";
import { traitsOf } from "./models.ts";
import type { GeminiQuirks } from "./quirks.ts";
import type { Writing } from "./writing.ts";

const MOST_STOP_SEQUENCES = 5;
/** `seed` is an int32. */
const LARGEST_SEED = 2 ** 31;

function encodeSampling({ drop }: Writing, sampling: Sampling): JsonObject {
  if (sampling.logitBias !== undefined) throw cannot("logit_bias", "logit_bias");
  if (sampling.minP !== undefined) drop("min_p");
  if (sampling.repetitionPenalty !== undefined) drop("repetition_penalty");
  const { seed } = sampling;
  const isSeed = seed !== undefined && seed >= -LARGEST_SEED && seed < LARGEST_SEED;
  if (seed !== undefined && !isSeed) drop("seed");
  const numbers: readonly [string, Json | undefined][] = [
    ["temperature", sampling.temperature],
    ["topP", sampling.topP],
    ["topK", sampling.topK],
    ["frequencyPenalty", sampling.frequencyPenalty],
    ["presencePenalty", sampling.presencePenalty],
    ["seed", isSeed ? seed : undefined],
    ["responseLogprobs", sampling.logprobs || undefined],
    ["logprobs", sampling.logprobs ? sampling.topLogprobs || undefined : undefined],
  ];
  return Object.fromEntries(numbers.filter(([, value]) => value !== undefined));
}

function encodeStop(stop: readonly string[]): JsonObject {
  if (stop.length === 0) return {};
  if (stop.length > MOST_STOP_SEQUENCES) {
    throw cannot("stop", `more than ${MOST_STOP_SEQUENCES} stop sequences`);
  }
  return { stopSequences: stop };
}

/** OpenAI's `detail` is a wish about one image, Gemini's resolution one about all of them. */
function encodeResolution({ drop }: Writing, messages: readonly Message[]): JsonObject {
  const details = new Set<string>();
  for (const message of messages) {
    for (const part of message.parts) {
      if (part.type === "image") details.add(part.detail ?? "auto");
    }
  }
  const [only] = details;
  if (only === undefined || (only === "auto" && details.size === 1)) return {};
  if (details.size > 1) {
    drop("messages[].content[].image_url.detail");
    return {};
  }
  const level = only === "low" ? "LOW" : "HIGH";
  return { mediaResolution: `MEDIA_RESOLUTION_${level}` };
}

/** Fields that say something about the request and not about the answer. */
function dropLabels({ drop }: Writing, request: ChatRequest): void {
  if (request.verbosity !== undefined) drop("verbosity");
  if (request.cacheKey !== undefined) drop("prompt_cache_key");
  if (request.user !== undefined) drop("user");
  if (request.metadata !== undefined) drop("metadata");
}

/** The body of a generateContent request for this model. Whether it is streamed is for the address to say. */
export function encodeRequest(
  request: ChatRequest,
  model: string,
  quirks: GeminiQuirks,
  drop: Drop,
): JsonObject {
  const writing: Writing = { quirks, traits: traitsOf(model), drop: onceEach(drop) };
  const extras = readExtras(request);
  settleUnmapped({ ...request, unmapped: extras.unmapped }, writing.drop);
  if ((request.candidates ?? 1) !== 1) throw cannot("n", "more than one answer to a request");
  dropLabels(writing, request);

  const { tools = [], ...toolConfig } = encodeTools(writing, request);
  const allTools = [...(Array.isArray(tools) ? tools : []), ...extras.tools];
  const { maxOutputTokens } = request;
  const generationConfig: JsonObject = {
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...encodeSampling(writing, request.sampling),
    ...encodeStop(request.stop),
    ...encodeOutput(writing, request.output, request.tools.length > 0),
    ...encodeResolution(writing, request.messages),
    ...encodeThinking(writing, request.reasoning),
    ...extras.config,
  };
  return {
    ...encodeContents(writing, request),
    ...(allTools.length > 0 ? { tools: allTools } : {}),
    ...toolConfig,
    ...(Object.keys(generationConfig).length > 0 ? { generationConfig } : {}),
    ...(quirks.safetySettings === undefined ? {} : { safetySettings: quirks.safetySettings }),
    ...extras.body,
  };
}
