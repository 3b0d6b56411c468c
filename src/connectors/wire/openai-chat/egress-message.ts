import type { JsonObject } from "../../hub/json.ts";
import type {
  ChatRequest,
  MediaPart,
  Message,
  ReasoningPart,
  SystemPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from "../../hub/request.ts";
import { cannot } from "../writing.ts";
import { demand, encodeCache, encodeContent, type Writing } from "./egress-part.ts";
import { encodeSignature } from "./extra-content.ts";
import { toUrl } from "./media.ts";
import { isSupported } from "./quirks.ts";
import { encodeDetail, readableText } from "./reasoning.ts";
import { shortCallId } from "./short.ts";

type Assistant = Extract<Message, { role: "assistant" }>;

/** Instructions are separate thoughts; other texts in a row go on where the last one stopped. */
const BETWEEN_BLOCKS = "\n\n";
const NOTHING_BETWEEN = "";

function encodeName(writing: Writing, name: string | undefined): JsonObject {
  if (name === undefined) return {};
  if (isSupported(writing.quirks, "names")) return { name };
  writing.drop("messages[].name");
  return {};
}

function encodeSystem(
  writing: Writing,
  parts: readonly TextPart[],
  authority: "developer" | undefined,
  name: string | undefined,
): JsonObject {
  const wanted = writing.quirks.systemRole ?? "system";
  return {
    role: wanted === "as-given" ? (authority ?? "system") : wanted,
    content: encodeContent(writing, parts, BETWEEN_BLOCKS),
    ...encodeName(writing, name),
  };
}

/** Leading instructions; neighbours of the same standing share a message. */
function encodeLeading(writing: Writing, parts: readonly SystemPart[]): JsonObject[] {
  const messages: JsonObject[] = [];
  for (let from = 0; from < parts.length;) {
    const { authority, name } = parts[from] ?? {};
    let to = from + 1;
    while (to < parts.length && parts[to]?.authority === authority && parts[to]?.name === name) {
      to += 1;
    }
    messages.push(encodeSystem(writing, parts.slice(from, to), authority, name));
    from = to;
  }
  return messages;
}

/** Earlier thoughts, in the one field in which this host wants them back. */
function encodeReasoning(writing: Writing, parts: readonly ReasoningPart[]): JsonObject {
  if (parts.length === 0) return {};
  const field = writing.quirks.reasoningField ?? "none";
  switch (field) {
    case "reasoning_details":
      return { reasoning_details: parts.flatMap((part, index) => encodeDetail(part, index)) };
    case "reasoning_content":
    case "reasoning": {
      const text = readableText(parts);
      if (text === "") break;
      return { [field]: text };
    }
    case "none":
      break;
  }
  writing.drop("messages[].reasoning");
  return {};
}

function encodeCall(writing: Writing, part: ToolCallPart): JsonObject {
  demand(writing, "tools", "messages", "calls of tools");
  return {
    id: shortCallId(part.id),
    type: "function",
    // Hosts parse the arguments; an empty text is no JSON.
    function: { name: part.name, arguments: part.arguments === "" ? "{}" : part.arguments },
    ...encodeSignature(part.signature),
    ...encodeCache(writing, part.cache),
  };
}

/** Media that an assistant made: speech goes back by its id, images in `images` where the host takes them. */
function encodeMade(writing: Writing, parts: readonly MediaPart[]): JsonObject {
  const made: { images?: JsonObject[]; audio?: JsonObject } = {};
  for (const part of parts) {
    if (part.type === "audio" && part.source.kind === "file-id") {
      made.audio = { id: part.source.id };
      continue;
    }
    const url = part.type === "image" ? toUrl(part) : undefined;
    if (url === undefined) throw cannot("messages", `${part.type} in an assistant's message`);
    if (!isSupported(writing.quirks, "assistantImages")) {
      writing.drop("messages[].images");
      continue;
    }
    made.images ??= [];
    made.images.push({ type: "image_url", image_url: { url } });
  }
  return made;
}

function encodeAssistant(writing: Writing, message: Assistant): JsonObject {
  const text: TextPart[] = [];
  const refusals: string[] = [];
  const media: MediaPart[] = [];
  const reasoning: ReasoningPart[] = [];
  const calls: ToolCallPart[] = [];
  for (const part of message.parts) {
    switch (part.type) {
      case "text":
        text.push(part);
        break;
      case "refusal":
        refusals.push(part.text);
        break;
      case "reasoning":
        reasoning.push(part);
        break;
      case "tool-call":
        calls.push(part);
        break;
      case "image":
      case "audio":
      case "video":
      case "file":
        media.push(part);
        break;
    }
  }
  // OpenAI wants null, not "", beside calls and refusals; a message of nothing at all keeps its empty text.
  const isEmpty =
    text.length === 0 && (calls.length > 0 || refusals.length > 0 || media.length > 0);
  return {
    role: "assistant",
    content: isEmpty ? null : encodeContent(writing, text, NOTHING_BETWEEN),
    ...encodeName(writing, message.name),
    ...encodeReasoning(writing, reasoning),
    ...(refusals.length > 0 ? { refusal: refusals.join("") } : {}),
    ...encodeMade(writing, media),
    ...(calls.length > 0 ? { tool_calls: calls.map((call) => encodeCall(writing, call)) } : {}),
  };
}

/** Results, one message each. Media that may not stand there follow in one user message that says whose they are. */
function encodeResults(writing: Writing, results: readonly ToolResultPart[]): JsonObject[] {
  const messages: JsonObject[] = [];
  const moved: (TextPart | MediaPart)[] = [];
  demand(writing, "tools", "messages", "results of tools");
  const inPlace = (writing.quirks.toolResultMedia ?? "user-message") === "parts";
  for (const result of results) {
    // OpenAI's dialect has no flag for a failed tool; the words of the result say so.
    if (result.isError) writing.drop("tool_result.is_error");
    const text = inPlace ? result.parts : result.parts.filter((part) => part.type === "text");
    const media = inPlace ? [] : result.parts.filter((part) => part.type !== "text");
    const content: (TextPart | MediaPart)[] = [...text];
    if (media.length > 0) {
      const what = `content returned by tool call ${result.toolCallId}`;
      content.push({ type: "text", text: `The ${what} follows in the next user message.` });
      moved.push({ type: "text", text: `This is ${what}:` }, ...media);
    }
    messages.push({
      role: "tool",
      tool_call_id: shortCallId(result.toolCallId),
      content: encodeContent(writing, content, BETWEEN_BLOCKS),
      ...encodeCache(writing, result.cache),
    });
  }
  if (moved.length > 0) {
    messages.push({ role: "user", content: encodeContent(writing, moved, BETWEEN_BLOCKS) });
  }
  return messages;
}

/** Instructions and conversation as `messages`. */
export function encodeMessages(writing: Writing, request: ChatRequest): JsonObject[] {
  const messages = encodeLeading(writing, request.system);
  for (const message of request.messages) {
    switch (message.role) {
      case "system":
        messages.push(encodeSystem(writing, message.parts, message.authority, message.name));
        break;
      case "user":
        messages.push({
          role: "user",
          content: encodeContent(writing, message.parts, BETWEEN_BLOCKS),
          ...encodeName(writing, message.name),
        });
        break;
      case "assistant":
        messages.push(encodeAssistant(writing, message));
        break;
      case "tool":
        messages.push(...encodeResults(writing, message.parts));
        break;
    }
  }
  return messages;
}
