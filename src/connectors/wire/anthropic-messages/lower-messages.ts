import { isJsonObject, type Json } from "../../hub/json.ts";
import type { ChatRequest } from "../../hub/request.ts";
import { isJsonArray } from "../walk.ts";
import type { Drop } from "../writing.ts";
import { ANTHROPIC_FORMAT, isThought } from "./blocks.ts";
import { graft } from "./egress-graft.ts";
import { instruct } from "./egress-message.ts";
import { unpack } from "./foreign.ts";
import type { ModelTraits } from "./models.ts";

type Edits = { readonly messages?: readonly Json[] };

const NONE: Edits = {};

/** Whether thoughts came back that Anthropic did not sign: another maker's, unsigned or as they were packed for the client. */
export function hasForeignThoughts({ messages }: ChatRequest): boolean {
  return messages.some(
    ({ role, parts }) => role === "assistant" && parts.some((part) => isForeign(part)),
  );
}

/** Messages that a Claude of these traits takes: no thoughts but its maker's, no instructions where it takes none. */
export function lowerMessages(request: ChatRequest, traits: ModelTraits, drop: Drop): Edits {
  const isInstructed = !traits.systemMessages && listIn(request.source.body).some(isSystem);
  const isForeignTo = hasForeignThoughts(request);
  if (!isInstructed && !isForeignTo) return NONE;
  let messages = ownMessages(request);
  if (isForeignTo) messages = thoughtless(messages, drop);
  return { messages: isInstructed ? spoken(messages) : messages };
}

/** The same for a Claude of which no more is known, and nothing for another maker's model. */
export function withoutForeignThoughts(request: ChatRequest, model: string, drop: Drop): Edits {
  if (!/claude/i.test(model) || !hasForeignThoughts(request)) return NONE;
  return { messages: thoughtless(ownMessages(request), drop) };
}

/** Own thoughts are marked as such when a request is read. */
function isForeign(part: ChatRequest["messages"][number]["parts"][number]): boolean {
  return part.type === "reasoning" && part.format !== ANTHROPIC_FORMAT;
}

function isSystem(message: Json): boolean {
  return isJsonObject(message) && message["role"] === "system";
}

/** Those of the caller's body as it goes upstream, with media fetched and the thoughts that were given back. */
function ownMessages(request: ChatRequest): readonly Json[] {
  const body: Json = JSON.parse(graft(request));
  return listIn(body);
}

function listIn(body: Json): readonly Json[] {
  const messages = isJsonObject(body) ? body["messages"] : undefined;
  return isJsonArray(messages) ? messages : [];
}

/** Messages without the thoughts that Anthropic would not know for its own, and without those in which nothing is left. */
function thoughtless(messages: readonly Json[], drop: Drop): readonly Json[] {
  return messages.flatMap((message): Json[] => {
    const content = isJsonObject(message) ? message["content"] : undefined;
    if (!isJsonObject(message) || !isJsonArray(content)) return [message];
    const kept = content.filter((block) => !isForeignBlock(block));
    if (kept.length === content.length) return [message];
    drop("messages[].content[].thinking");
    return kept.length > 0 ? [{ ...message, content: kept }] : [];
  });
}

function isForeignBlock(block: Json): boolean {
  if (!isThought(block)) return false;
  const opaque = block["type"] === "thinking" ? block["signature"] : block["data"];
  return typeof opaque !== "string" || opaque === "" || unpack(opaque) !== undefined;
}

/** Instructions in mid-conversation as words at the end of the user's turn before them. */
function spoken(messages: readonly Json[]): readonly Json[] {
  const lowered: Json[] = [];
  for (const message of messages) {
    if (!isJsonObject(message) || !isSystem(message)) {
      lowered.push(message);
      continue;
    }
    const words = instruct(textOf(message["content"]));
    const before = lowered.at(-1);
    if (isJsonObject(before) && before["role"] === "user") {
      lowered[lowered.length - 1] = { ...before, content: [...blocksOf(before["content"]), words] };
    } else {
      lowered.push({ role: "user", content: [words] });
    }
  }
  return lowered;
}

function blocksOf(content: Json | undefined): readonly Json[] {
  if (isJsonArray(content)) return content;
  return typeof content === "string" && content !== "" ? [{ type: "text", text: content }] : [];
}

function textOf(content: Json | undefined): string {
  if (typeof content === "string") return content;
  const texts = blocksOf(content).map((block) => (isJsonObject(block) ? block["text"] : undefined));
  return texts.filter((text) => typeof text === "string").join("\n\n");
}
