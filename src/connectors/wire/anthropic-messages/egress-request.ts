import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type { ChatRequest, Message, OutputFormat, Sampling, Tool } from "../../hub/request.ts";
import { cannot, onceEach, settleUnmapped } from "../writing.ts";
import { encodeCache } from "./blocks.ts";
import { encodeAssistant, encodeContent, encodeResult, type Writing } from "./egress-block.ts";
import { encodeThinking, type Thinking } from "./egress-thinking.ts";
import { type ModelTraits, traitsOf } from "./models.ts";
import type { AnthropicQuirks } from "./quirks.ts";

type Turn = { readonly role: "user" | "assistant"; readonly content: JsonObject[] };

/** What stands in for a JSON mode, which the dialect has not. */
const JSON_ONLY = "Answer with one JSON object and nothing else.";

/** Blocks of one message; instructions in mid-conversation become words of the user's, marked as what they are. */
function encodeMessage(writing: Writing, message: Message): Turn {
  switch (message.role) {
    case "user": {
      if (message.name !== undefined) writing.drop("messages[].name");
      const content = message.parts.map((part) => encodeContent(writing, part));
      return { role: "user", content: content.filter((block) => block !== undefined) };
    }
    case "tool":
      return { role: "user", content: message.parts.map((part) => encodeResult(writing, part)) };
    case "system": {
      const text = message.parts.map((part) => part.text).join("\n\n");
      return {
        role: "user",
        content: text === "" ? [] : [{ type: "text", text: `<system>\n${text}\n</system>` }],
      };
    }
    case "assistant":
      if (message.name !== undefined) writing.drop("messages[].name");
      return { role: "assistant", content: encodeAssistant(writing, message) };
  }
}

/** `messages`: roles alternate, results of tools stand first in their message, the last one ends without spaces. */
function encodeMessages(writing: Writing, messages: readonly Message[]): JsonObject[] {
  const turns: Turn[] = [];
  for (const message of messages) {
    const turn = encodeMessage(writing, message);
    if (turn.content.length === 0) continue;
    const last = turns.at(-1);
    if (last?.role === turn.role) last.content.push(...turn.content);
    else turns.push({ role: turn.role, content: [...turn.content] });
  }
  for (const { content } of turns) {
    content.sort((a, b) => Number(isResult(b)) - Number(isResult(a)));
  }
  const last = turns.at(-1);
  const end = last?.content.at(-1);
  if (last?.role === "assistant" && typeof end?.["text"] === "string") {
    // The text goes on where it stops, and Anthropic refuses one that stops with a space.
    last.content[last.content.length - 1] = { ...end, text: end["text"].trimEnd() };
  }
  return turns.map(({ role, content }) => ({ role, content }));
}

function isResult(block: JsonObject): boolean {
  return block["type"] === "tool_result";
}

function encodeSystem(writing: Writing, request: ChatRequest): JsonObject {
  const blocks = request.system
    .map((part) => encodeContent(writing, part))
    .filter((block) => block !== undefined);
  if (request.output?.type === "json") blocks.push({ type: "text", text: JSON_ONLY });
  const [only] = blocks;
  if (only === undefined) return {};
  const text =
    blocks.length === 1 && only["cache_control"] === undefined ? only["text"] : undefined;
  return { system: text ?? blocks };
}

function encodeTool(writing: Writing, tool: Tool): JsonObject {
  if (tool.cache !== undefined && writing.quirks.cache === false) writing.drop("cache_control");
  return {
    name: tool.name,
    ...(tool.description === undefined ? {} : { description: tool.description }),
    input_schema: { ...tool.parameters, type: tool.parameters?.["type"] ?? "object" },
    ...(tool.strict ? { strict: true } : {}),
    ...(writing.quirks.cache === false ? {} : encodeCache(tool.cache)),
  };
}

/** `tools` and `tool_choice`, which also says whether several may be called at once. */
function encodeTools(writing: Writing, request: ChatRequest): JsonObject {
  const { toolChoice: choice, parallelToolCalls } = request;
  let { tools } = request;
  if (tools.length === 0) return {};
  if (writing.quirks.tools === false) throw cannot("tools", "tools");
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
    tools: tools.map((tool) => encodeTool(writing, tool)),
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

/** Structured output wants objects closed; a schema that leaves them open is closed for it. */
function closed(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(closed);
  if (!isJsonObject(schema)) return schema;
  const inner: Record<string, Json> = {};
  for (const [field, value] of Object.entries(schema)) inner[field] = closed(value ?? null);
  const isObject = schema["type"] === "object" && isJsonObject(schema["properties"]);
  if (isObject && schema["additionalProperties"] === undefined) {
    inner["additionalProperties"] = false;
  }
  return inner;
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
    if (!traits.structuredOutput || writing.quirks.thinking === false) {
      throw cannot("response_format", "a JSON schema");
    }
    config["format"] = { type: "json_schema", schema: closed(output.schema) };
  }
  return Object.keys(config).length > 0 ? { output_config: config } : {};
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
  const known = traitsOf(model);
  const traits: ModelTraits =
    quirks.thinking === false ? { ...known, thinking: "none", effort: false } : known;
  const thinking = encodeThinking(request, traits, writing.drop);
  return {
    model,
    max_tokens: thinking.maxTokens,
    ...encodeSystem(writing, request),
    messages: encodeMessages(writing, request.messages),
    ...encodeTools(writing, request),
    ...encodeSampling(writing, request.sampling, traits, thinking.isOn),
    ...(request.stop.length > 0 ? { stop_sequences: request.stop } : {}),
    ...thinking.body,
    ...encodeOutputConfig(writing, request.output, thinking, traits),
    ...(request.user === undefined ? {} : { metadata: { user_id: request.user } }),
    stream: request.stream,
  };
}
