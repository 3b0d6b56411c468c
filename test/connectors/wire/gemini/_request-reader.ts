/**
 * Reads a generateContent request as the hub has it, by Google's documentation and without any of the wire's code, so that what
 * the wire writes can be read back. What the hub has no place for is listed in `foreign`.
 */
import { isJsonObject, type Json, type JsonObject } from "../../../../src/connectors/hub/json.ts";
import type {
  ChatRequest,
  MediaPart,
  Message,
  Sampling,
  TextPart,
  Tool,
  ToolChoice,
  ToolResultPart,
} from "../../../../src/connectors/hub/request.ts";
import { object, objects, text } from "../../../support/json.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Assistant = Extract<Message, { role: "assistant" }>["parts"][number];

export type ReadRequest = { readonly request: ChatRequest; readonly foreign: readonly string[] };

const FORMAT = "google-gemini-v1";

/** Google reads names in either case; only those of Google's own fields, never those within arguments and schemas. */
export function camel(value: Json | undefined, keep: boolean = false): Json {
  if (Array.isArray(value)) return value.map((each: Json) => camel(each, keep));
  if (!isJsonObject(value)) return value ?? null;
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) => {
      const known = keep
        ? name
        : name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      const opaque =
        /^(?:args|response|parameters|parametersJsonSchema|response(?:Json)?Schema)$/.test(known);
      return [known, camel(entry, keep || opaque)];
    }),
  );
}

function media(part: JsonObject): MediaPart | undefined {
  const inline = part["inlineData"];
  const file = part["fileData"];
  const holder = isJsonObject(inline) ? inline : object(file);
  const mimeType = text(holder["mimeType"]);
  const source = isJsonObject(inline)
    ? ({ kind: "base64", data: text(inline["data"]) } as const)
    : ({ kind: "url", url: text(holder["fileUri"]) } as const);
  if (!isJsonObject(inline) && !isJsonObject(file)) return undefined;
  const kind = /^(image|audio|video)\//.exec(mimeType)?.[1] ?? "file";
  const type = kind === "image" || kind === "audio" || kind === "video" ? kind : "file";
  return { type, source, mimeType };
}

export function readRequest(original: JsonObject): ReadRequest {
  const body = object(camel(original));
  const foreign: string[] = [];
  const messages: Message[] = [];
  let made = 0;
  /** Calls of the latest turn that are still to be answered, in order. */
  let waiting: { id: string; name: string }[] = [];

  const userPart = (part: JsonObject): TextPart | MediaPart => {
    if (part["videoMetadata"] !== undefined) foreign.push("videoMetadata");
    return media(part) ?? { type: "text", text: text(part["text"]) };
  };
  const result = (response: JsonObject): ToolResultPart => {
    const name = text(response["name"]);
    const at = waiting.findIndex((call) => call.name === name);
    const [call] = at < 0 ? [] : waiting.splice(at, 1);
    const said = object(response["response"]);
    const isError = said["error"] !== undefined;
    const words = said["error"] ?? said["output"] ?? said;
    return {
      type: "tool-result",
      toolCallId: text(response["id"]) || (call?.id ?? "unknown"),
      parts: [
        { type: "text", text: typeof words === "string" ? words : JSON.stringify(words) },
        ...objects(response["parts"]).map(userPart),
      ],
      ...(isError ? { isError } : {}),
    };
  };
  const modelPart = (part: JsonObject): readonly Assistant[] => {
    const signature = text(part["thoughtSignature"]);
    const call = part["functionCall"];
    if (part["toolCall"] !== undefined || part["toolResponse"] !== undefined) {
      foreign.push("toolCall");
      return [];
    }
    if (isJsonObject(call)) {
      made += 1;
      const id = text(call["id"]) || `call_${made}`;
      waiting.push({ id, name: text(call["name"]) });
      return [
        {
          type: "tool-call",
          id,
          name: text(call["name"]),
          arguments: JSON.stringify(call["args"] ?? {}),
          ...(signature === "" ? {} : { signature }),
        },
      ];
    }
    if (part["thought"] === true) {
      const own = signature === "" ? {} : { signature };
      const thought = { type: "reasoning", form: "text", format: FORMAT } as const;
      return [{ ...thought, text: text(part["text"]), ...own }];
    }
    const said: readonly Assistant[] =
      text(part["text"]) === "" && media(part) === undefined ? [] : [userPart(part)];
    if (signature === "") return said;
    return [
      ...said,
      { type: "reasoning", form: "encrypted", text: "", data: signature, format: FORMAT },
    ];
  };

  for (const content of objects(body["contents"])) {
    const parts = objects(content["parts"]);
    if (content["role"] === "model") {
      waiting = [];
      messages.push({ role: "assistant", parts: parts.flatMap(modelPart) });
    } else if (parts.some((part) => part["functionResponse"] !== undefined)) {
      messages.push({
        role: "tool",
        parts: parts.map((part) => result(object(part["functionResponse"]))),
      });
    } else messages.push({ role: "user", parts: parts.map(userPart) });
  }

  const tools: Tool[] = [];
  for (const tool of objects(body["tools"])) {
    for (const name of Object.keys(tool)) if (name !== "functionDeclarations") foreign.push(name);
    for (const one of objects(tool["functionDeclarations"])) {
      const parameters = one["parametersJsonSchema"] ?? one["parameters"];
      if (one["parameters"] !== undefined) foreign.push("parameters");
      tools.push({
        name: text(one["name"]),
        ...(one["description"] === undefined ? {} : { description: text(one["description"]) }),
        ...(isJsonObject(parameters) ? { parameters } : {}),
      });
    }
  }

  const config = object(body["generationConfig"]);
  const sampling: Mutable<Sampling> = {};
  for (const name of [
    "temperature",
    "topP",
    "topK",
    "seed",
    "frequencyPenalty",
    "presencePenalty",
  ] as const) {
    const value = config[name];
    if (typeof value === "number") sampling[name] = value;
  }
  if (config["responseLogprobs"] === true) sampling.logprobs = true;
  if (typeof config["logprobs"] === "number") sampling.topLogprobs = config["logprobs"];
  if (config["responseSchema"] !== undefined) foreign.push("responseSchema");
  const schema = config["responseJsonSchema"];
  const isJson = config["responseMimeType"] === "application/json";
  const thinking = object(config["thinkingConfig"]);
  const { thinkingBudget, includeThoughts } = thinking;
  const isThinking = Object.keys(thinking).length > 0;
  const mode = object(object(body["toolConfig"])["functionCallingConfig"]);

  const request: Omit<ChatRequest, "source"> = {
    model: "logical",
    system: objects(object(body["systemInstruction"])["parts"]).map((part) => ({
      type: "text",
      text: text(part["text"]),
    })),
    messages,
    tools: mode["mode"] === "VALIDATED" ? tools.map((tool) => ({ ...tool, strict: true })) : tools,
    ...choiceOf(mode, tools.length),
    sampling,
    ...(typeof config["maxOutputTokens"] === "number"
      ? { maxOutputTokens: config["maxOutputTokens"] }
      : {}),
    stop: (Array.isArray(config["stopSequences"]) ? config["stopSequences"] : []).map(String),
    ...(isJsonObject(schema)
      ? { output: { type: "json-schema", name: "response", schema } as const }
      : isJson && config["responseSchema"] === undefined
        ? { output: { type: "json" } as const }
        : {}),
    ...(isThinking
      ? {
          reasoning: {
            ...(typeof thinkingBudget === "number" ? { budgetTokens: thinkingBudget } : {}),
            ...(includeThoughts === undefined ? {} : { hidden: includeThoughts !== true }),
          },
        }
      : {}),
    stream: false,
    streamUsage: false,
    unmapped: [],
  };
  return {
    request: { ...request, source: { dialect: "anthropic-messages", text: "{}", body: {} } },
    foreign,
  };
}

function choiceOf(mode: JsonObject, tools: number): { readonly toolChoice?: ToolChoice } {
  const names = Array.isArray(mode["allowedFunctionNames"])
    ? mode["allowedFunctionNames"].map(String)
    : undefined;
  switch (text(mode["mode"])) {
    case "AUTO":
      return { toolChoice: { type: "auto" } };
    case "NONE":
      return { toolChoice: { type: "none" } };
    case "ANY":
      if (names === undefined) return { toolChoice: { type: "required" } };
      if (names.length === 1 && tools !== 1)
        return { toolChoice: { type: "tool", name: names[0]! } };
      return { toolChoice: { type: "allowed", mode: "required", names } };
    default:
      return {};
  }
}
