import type { Json, JsonObject } from "../../hub/json.ts";
import type { ChatRequest, OutputFormat, Sampling, Tool, ToolChoice } from "../../hub/request.ts";
import { cannot, onceEach, settleUnmapped } from "../writing.ts";
import { encodeCache } from "./blocks.ts";
import { encodeContent, type Writing } from "./egress-block.ts";
import { encodeMessages } from "./egress-message.ts";
import { encodeSchema } from "./egress-schema.ts";
import { encodeThinking, type Thinking } from "./egress-thinking.ts";
import { type ModelTraits, traitsOf } from "./models.ts";
import type { AnthropicQuirks } from "./quirks.ts";

/** What stands in for a JSON mode, which the dialect has not. */
const JSON_ONLY = "Answer with one JSON object and nothing else.";
/** Of `metadata.user_id`. */
const LONGEST_USER = 256;

/** `system` and `messages`: instructions alone are no conversation for Anthropic, so that they become the user's words. */
function encodeConversation(
  writing: Writing,
  request: ChatRequest,
  traits: ModelTraits,
): JsonObject {
  const system = request.system
    .map((part) => encodeContent(writing, part))
    .filter((block) => block !== undefined);
  if (request.output?.type === "json") system.push({ type: "text", text: JSON_ONLY });
  const messages = encodeMessages(writing, request.messages, traits.systemMessages);
  const [only] = system;
  if (only === undefined) return { messages };
  if (messages.length === 0) return { messages: [{ role: "user", content: system }] };
  const text =
    system.length === 1 && only["cache_control"] === undefined ? only["text"] : undefined;
  return { system: text ?? system, messages };
}

function encodeTool(writing: Writing, tool: Tool, traits: ModelTraits): JsonObject {
  const schema = { ...tool.parameters, type: tool.parameters?.["type"] ?? "object" };
  const isStrict = tool.strict === true && traits.structuredOutput;
  if (tool.strict && !isStrict) writing.drop("tools[].strict");
  if (tool.cache !== undefined && writing.quirks.cache === false) writing.drop("cache_control");
  return {
    name: tool.name,
    ...(tool.description === undefined ? {} : { description: tool.description }),
    input_schema: isStrict ? encodeSchema(schema) : schema,
    ...(isStrict ? { strict: true } : {}),
    ...(writing.quirks.cache === false ? {} : encodeCache(tool.cache)),
  };
}

/** Whether the answer must begin with a call. */
function isForcing(choice: ToolChoice | undefined): boolean {
  if (choice?.type === "allowed") return choice.mode === "required";
  return choice?.type === "required" || choice?.type === "tool";
}

/** `tools` and `tool_choice`, which also says whether several may be called at once. */
function encodeTools(writing: Writing, request: ChatRequest, traits: ModelTraits): JsonObject {
  const { toolChoice: choice, parallelToolCalls } = request;
  let { tools } = request;
  if (tools.length === 0) return {};
  if (writing.quirks.tools === false) throw cannot("tools", "tools");
  if (!traits.forcedTools && isForcing(choice)) {
    throw cannot("tool_choice", "a tool choice that forces a call");
  }
  if (choice?.type === "allowed") {
    const names = new Set(choice.names);
    tools = tools.filter((tool) => names.has(tool.name));
  }
  const single =
    parallelToolCalls === undefined ? {} : { disable_parallel_tool_use: !parallelToolCalls };
  let wanted: JsonObject | undefined;
  switch (choice?.type) {
    case undefined:
      wanted = parallelToolCalls === false ? { type: "auto", ...single } : undefined;
      break;
    case "auto":
      wanted = { type: "auto", ...single };
      break;
    case "none":
      wanted = { type: "none" };
      break;
    case "required":
      wanted = { type: "any", ...single };
      break;
    case "tool":
      wanted = { type: "tool", name: choice.name, ...single };
      break;
    case "allowed":
      wanted = { type: choice.mode === "required" ? "any" : "auto", ...single };
      break;
  }
  return {
    tools: tools.map((tool) => encodeTool(writing, tool, traits)),
    ...(wanted === undefined ? {} : { tool_choice: wanted }),
  };
}

/** Numbers that shape sampling, as far as the model and its thinking let them through; the rest is named. */
function encodeSampling(
  { drop }: Writing,
  sampling: Sampling,
  traits: ModelTraits,
  isThinking: boolean,
): JsonObject {
  if (sampling.logitBias !== undefined) throw cannot("logit_bias", "logit_bias");
  if (sampling.logprobs) throw cannot("logprobs", "logprobs");
  const { temperature, topP, topK } = sampling;
  for (const [field, value] of Object.entries({
    min_p: sampling.minP,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    repetition_penalty: sampling.repetitionPenalty,
    seed: sampling.seed,
  })) {
    if (value !== undefined) drop(field);
  }
  const body: Record<string, Json> = {};
  const takesAny = traits.sampling !== "none";
  if (temperature !== undefined) {
    if (!takesAny || isThinking) drop("temperature");
    else {
      // OpenAI's scale goes to 2, Anthropic's to 1.
      if (temperature > 1) drop("temperature");
      body["temperature"] = Math.min(1, temperature);
    }
  }
  if (topP !== undefined) {
    const isSecond = traits.sampling === "one" && body["temperature"] !== undefined;
    if (!takesAny || isSecond || isThinking) drop("top_p");
    else body["top_p"] = topP;
  }
  if (topK !== undefined) {
    if (!takesAny || isThinking) drop("top_k");
    else body["top_k"] = topK;
  }
  return body;
}

function encodeOutputConfig(
  writing: Writing,
  output: OutputFormat | undefined,
  thinking: Thinking,
  traits: ModelTraits,
): JsonObject {
  const config: Record<string, Json> = {};
  if (thinking.effort !== undefined) config["effort"] = thinking.effort;
  if (output?.type === "json-schema") {
    if (!traits.structuredOutput || writing.quirks.schemas === false) {
      throw cannot("response_format", "a JSON schema");
    }
    config["format"] = { type: "json_schema", schema: encodeSchema(output.schema) };
  }
  return Object.keys(config).length > 0 ? { output_config: config } : {};
}

/** Texts at which the answer stops; Anthropic refuses those without anything to see in them. */
function encodeStop({ stop }: ChatRequest): JsonObject {
  if (stop.length === 0) return {};
  if (stop.some((text) => text.trim() === "")) {
    throw cannot("stop", "a stop sequence of nothing but white space");
  }
  return { stop_sequences: stop };
}

/** The end user, unless the name is one that Anthropic refuses: too long, or an address of somebody's. */
function encodeUser({ drop }: Writing, { user }: ChatRequest): JsonObject {
  if (user === undefined) return {};
  if (user.length <= LONGEST_USER && !/[^\s@]+@[^\s@]+\.[^\s@]+/.test(user)) {
    return { metadata: { user_id: user } };
  }
  drop("user");
  return {};
}

function dropLabels({ drop }: Writing, request: ChatRequest): void {
  if (request.verbosity !== undefined) drop("verbosity");
  if (request.cacheKey !== undefined) drop("prompt_cache_key");
  if (request.metadata !== undefined) drop("metadata");
}

/** The body of a Messages request for this host. Throws ChatError `invalid-request` for what it cannot express. */
export function encodeRequest(
  request: ChatRequest,
  model: string,
  quirks: AnthropicQuirks,
  drop: (field: string) => void,
): JsonObject {
  const writing: Writing = { quirks, drop: onceEach(drop) };
  settleUnmapped(request, writing.drop);
  if ((request.candidates ?? 1) !== 1) throw cannot("n", "more than one answer to a request");
  dropLabels(writing, request);
  const traits = traitsOf(model);
  const thinking = encodeThinking(request, traits, writing.drop);
  return {
    model,
    max_tokens: thinking.maxTokens,
    ...encodeConversation(writing, request, traits),
    ...encodeTools(writing, request, traits),
    ...encodeSampling(writing, request.sampling, traits, thinking.isOn),
    ...encodeStop(request),
    ...thinking.body,
    ...encodeOutputConfig(writing, request.output, thinking, traits),
    ...encodeUser(writing, request),
    stream: request.stream,
  };
}
