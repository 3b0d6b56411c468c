/** What the demo models read out of a conversation. */
import type {
  ChatRequest,
  MediaPart,
  MediaSource,
  Message,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from "../hub/request.ts";

function describeSize(base64: string): string {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  const bytes = Math.floor((base64.length * 3) / 4) - padding;
  return bytes === 1 ? "1 byte" : `${bytes} bytes`;
}

function describePlace(source: MediaSource): string {
  if (source.kind === "base64") return `, ${describeSize(source.data)}`;
  return source.kind === "url" ? ` at ${source.url}` : ` with id ${source.id}`;
}

/** Names a media part: its kind, its file name if it has one, its MIME type and its size or place. */
function describeMedia(part: MediaPart): string {
  const name = part.type === "file" && part.filename !== undefined ? ` "${part.filename}"` : "";
  const mimeType = part.mimeType === undefined ? "" : ` ${part.mimeType}`;
  return `[${part.type}${name}${mimeType}${describePlace(part.source)}]`;
}

/** Text as it is and media by description, one part a line. */
export function describeParts(parts: readonly (TextPart | MediaPart)[]): string {
  return parts.map((part) => (part.type === "text" ? part.text : describeMedia(part))).join("\n");
}

/** The last user turn, with media by description; undefined when nobody has spoken. */
export function lastUserTurn(messages: readonly Message[]): string | undefined {
  const message = messages.findLast((candidate) => candidate.role === "user");
  return message?.role === "user" ? describeParts(message.parts) : undefined;
}

/** Results that no answer has followed yet, each with the call that it belongs to. */
export function openToolResults(
  messages: readonly Message[],
): readonly { readonly result: ToolResultPart; readonly call: ToolCallPart | undefined }[] {
  const calls = new Map<string, ToolCallPart>();
  const results: ToolResultPart[] = [];
  for (const message of messages) {
    if (message.role === "assistant") {
      results.length = 0;
      for (const part of message.parts) if (part.type === "tool-call") calls.set(part.id, part);
    }
    if (message.role === "tool") results.push(...message.parts);
  }
  return results.map((result) => ({ result, call: calls.get(result.toolCallId) }));
}

/** The names and numbers in a text, in order: capitalised words but the first of a sentence, and figures. */
export function notableWords(text: string): readonly string[] {
  return [...text.matchAll(/(?<![.!?。]\s*|^)\b\p{Lu}[\p{L}\p{M}'-]*|\b\d+(?:\.\d+)?\b/gu)].map(
    ([word]) => word,
  );
}

/** A short stable name for a conversation: the same request always has the same. */
export function fingerprint(request: ChatRequest): string {
  const { system, messages, tools } = request;
  return Bun.hash(JSON.stringify([request.model, system, messages, tools]))
    .toString(16)
    .padStart(16, "0");
}
