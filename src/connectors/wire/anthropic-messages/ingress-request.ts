import type { Json } from "../../hub/json.ts";
import type { ChatRequest, Sampling } from "../../hub/request.ts";
import { parseBody } from "../body.ts";
import {
  asArray,
  asBoolean,
  asInteger,
  asNumber,
  asString,
  asStrings,
  assertAsks,
  note,
  type Reading,
  startReading,
  unmappedOf,
  type Writable,
} from "../walk.ts";
import { decodeMessages, decodeSystem } from "./ingress-message.ts";
import {
  decodeFormat,
  decodeOutputConfig,
  decodeThinking,
  decodeToolChoice,
  decodeTools,
  decodeUser,
  type ReasoningDraft,
} from "./ingress-options.ts";

/** The request while its fields come by in whatever order the caller wrote them. */
type Draft = Omit<Writable<ChatRequest>, "sampling" | "reasoning" | "unmapped" | "source"> & {
  readonly sampling: Writable<Sampling>;
  readonly reasoning: ReasoningDraft;
};

/**
 * Fields without a place in the hub that may be left out at another dialect's target: they steer price, place, caching or what
 * is forgotten of a long conversation. Every other unknown field could change the answer.
 */
export const HARMLESS: ReadonlySet<string> = new Set([
  "anthropic_beta",
  "anthropic_version",
  "betas",
  "cache_control",
  "context_management",
  "diagnostics",
  "inference_geo",
  "service_tier",
  "speed",
  "user_profile_id",
  "workspace_id",
]);

function readField(reading: Reading, field: string, value: Json, draft: Draft): void {
  switch (field) {
    case "model":
      draft.model = asString(reading, field, value);
      return;
    case "system":
      draft.system = [...decodeSystem(reading, value), ...draft.system];
      return;
    case "messages": {
      const { system, messages } = decodeMessages(reading, asArray(reading, field, value));
      draft.system = [...draft.system, ...system];
      draft.messages = messages;
      return;
    }
    case "max_tokens":
      draft.maxOutputTokens = asInteger(reading, field, value);
      return;
    case "stream":
      draft.stream = asBoolean(reading, field, value);
      return;
    case "temperature":
      draft.sampling.temperature = asNumber(reading, field, value);
      return;
    case "top_p":
      draft.sampling.topP = asNumber(reading, field, value);
      return;
    case "top_k":
      draft.sampling.topK = asInteger(reading, field, value);
      return;
    case "stop_sequences":
      draft.stop = asStrings(reading, field, value);
      return;
    case "tools":
      draft.tools = decodeTools(reading, value);
      return;
    case "tool_choice":
      Object.assign(draft, decodeToolChoice(reading, value));
      return;
    case "thinking":
      decodeThinking(reading, value, draft.reasoning);
      return;
    case "output_config": {
      const output = decodeOutputConfig(reading, value, draft.reasoning);
      if (output) draft.output = output;
      return;
    }
    case "output_format": {
      const output = decodeFormat(reading, field, value);
      if (output) draft.output ??= output;
      return;
    }
    case "metadata": {
      const user = decodeUser(value);
      if (user !== undefined) draft.user = user;
      return;
    }
    default:
      note(reading, field, HARMLESS.has(field));
  }
}

/** Reads the body of a Messages request. Throws ChatError `invalid-request` with `param`. */
export function decodeRequest(text: string): ChatRequest {
  const body = parseBody(text);
  const reading = startReading();
  const draft: Draft = {
    model: "",
    system: [],
    messages: [],
    tools: [],
    sampling: {},
    reasoning: {},
    stop: [],
    stream: false,
    // Its streams always tell their usage.
    streamUsage: true,
  };
  for (const field in body) {
    const value = body[field];
    if (value !== null && value !== undefined) readField(reading, field, value, draft);
  }
  assertAsks(reading, body);
  const { reasoning, ...request } = draft;
  return {
    ...request,
    ...(Object.keys(reasoning).length > 0 ? { reasoning } : {}),
    unmapped: unmappedOf(reading),
    source: { dialect: "anthropic-messages", text, body },
  };
}
