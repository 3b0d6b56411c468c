import type { Json } from "../../hub/json.ts";
import type { ChatRequest, Message, Sampling, SystemPart, Tool } from "../../hub/request.ts";
import { parseBody } from "../body.ts";
import { decodeMessages } from "./ingress-message.ts";
import {
  asksForUsage,
  decodeStop,
  decodeStreamOptions,
  isMoreThanText,
  readReasoning,
  readSampling,
  type ReasoningDraft,
} from "./ingress-options.ts";
import {
  decodeFunctionCall,
  decodeFunctions,
  decodeOutput,
  decodeToolChoice,
  decodeTools,
} from "./ingress-tools.ts";
import {
  asArray,
  asBoolean,
  asInteger,
  asRecord,
  asString,
  assertAsks,
  note,
  type Reading,
  startReading,
  unmappedOf,
  type Writable,
} from "../walk.ts";

/** The request while its fields come by in whatever order the caller wrote them. */
type Draft = {
  readonly request: Writable<ChatRequest>;
  readonly sampling: Writable<Sampling>;
  readonly reasoning: ReasoningDraft;
  /** `max_completion_tokens` wins over the older name. */
  maxTokens: number | undefined;
  safetyIdentifier: string | undefined;
};

const NO_TOOLS: readonly Tool[] = [];
const NO_STOP: readonly string[] = [];
const NO_SYSTEM: readonly SystemPart[] = [];
const NOTHING_UNMAPPED: ChatRequest["unmapped"] = [];
const NO_MESSAGES: readonly Message[] = [];

/**
 * Fields without a place in the hub that may be left out at another dialect's target: they steer storage, price, latency or
 * telemetry, or repeat a default. Every other unknown field could change the answer.
 */
const HARMLESS = new Set([
  "cache_control",
  "prediction",
  "prompt_cache_options",
  "prompt_cache_retention",
  "route",
  "safe_prompt",
  "service_tier",
  "session_id",
  "store",
  "top_a",
  "trace",
]);

function readField(reading: Reading, field: string, value: Json, draft: Draft): void {
  const { request } = draft;
  switch (field) {
    case "model":
      request.model = asString(reading, field, value);
      return;
    case "messages": {
      const { system, messages } = decodeMessages(reading, asArray(reading, field, value));
      request.system = system;
      request.messages = messages;
      return;
    }
    case "stream":
      request.stream = asBoolean(reading, field, value);
      return;
    case "stream_options":
      request.streamUsage = decodeStreamOptions(reading, value) || request.streamUsage;
      return;
    case "usage":
      request.streamUsage = asksForUsage(value) || request.streamUsage;
      return;
    case "max_completion_tokens":
      request.maxOutputTokens = asInteger(reading, field, value);
      return;
    case "max_tokens":
      draft.maxTokens = asInteger(reading, field, value);
      return;
    case "stop":
      request.stop = decodeStop(reading, value);
      return;
    case "tools":
      request.tools = [...request.tools, ...decodeTools(reading, asArray(reading, field, value))];
      return;
    case "functions":
      request.tools = [
        ...request.tools,
        ...decodeFunctions(reading, asArray(reading, field, value)),
      ];
      return;
    case "tool_choice": {
      const choice = decodeToolChoice(reading, value);
      if (choice) request.toolChoice = choice;
      return;
    }
    case "function_call":
      request.toolChoice ??= decodeFunctionCall(reading, value);
      return;
    case "parallel_tool_calls":
      request.parallelToolCalls = asBoolean(reading, field, value);
      return;
    case "response_format": {
      const output = decodeOutput(reading, value);
      if (output) request.output = output;
      return;
    }
    case "n": {
      const candidates = asInteger(reading, field, value);
      if (candidates !== 1) request.candidates = candidates;
      return;
    }
    case "verbosity":
      if (value === "low" || value === "medium" || value === "high") request.verbosity = value;
      else note(reading, field, true);
      return;
    case "prompt_cache_key":
      request.cacheKey = asString(reading, field, value);
      return;
    case "user":
      request.user = asString(reading, field, value);
      return;
    case "safety_identifier":
      draft.safetyIdentifier = asString(reading, field, value);
      return;
    case "metadata":
      request.metadata = asRecord(reading, field, value, asString);
      return;
    case "modalities":
      if (isMoreThanText(reading, value)) note(reading, field, false);
      return;
    default:
      if (readSampling(reading, field, value, draft.sampling)) return;
      if (readReasoning(reading, field, value, draft.reasoning)) return;
      note(reading, field, HARMLESS.has(field));
  }
}

/** Reads the body of a Chat Completions request. Throws ChatError `invalid-request` with `param`. */
export function decodeRequest(text: string): ChatRequest {
  const body = parseBody(text);
  const reading = startReading();
  const sampling = {};
  const request: Writable<ChatRequest> = {
    model: "",
    system: NO_SYSTEM,
    messages: NO_MESSAGES,
    tools: NO_TOOLS,
    sampling,
    stop: NO_STOP,
    stream: false,
    streamUsage: false,
    unmapped: NOTHING_UNMAPPED,
    source: { dialect: "openai-chat", text, body },
  };
  const reasoning: ReasoningDraft = {};
  const draft: Draft = {
    request,
    sampling,
    reasoning,
    maxTokens: undefined,
    safetyIdentifier: undefined,
  };
  for (const field in body) {
    const value = body[field];
    // OpenAI takes null for "not given" everywhere, and some clients send all their options so.
    if (value !== null && value !== undefined) readField(reading, field, value, draft);
  }
  assertAsks(reading, body);
  const { maxTokens, safetyIdentifier } = draft;
  if (maxTokens !== undefined) request.maxOutputTokens ??= maxTokens;
  if (safetyIdentifier !== undefined) {
    if (request.user === undefined) request.user = safetyIdentifier;
    else if (request.user !== safetyIdentifier) note(reading, "safety_identifier", true);
  }
  for (const _ in reasoning) {
    request.reasoning = reasoning;
    break;
  }
  request.unmapped = unmappedOf(reading);
  return request;
}
