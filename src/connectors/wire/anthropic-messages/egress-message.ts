import type { JsonObject } from "../../hub/json.ts";
import type { Message } from "../../hub/request.ts";
import { encodeAssistant, encodeContent, encodeResult, type Writing } from "./egress-block.ts";

type Turn = { readonly role: "user" | "assistant" | "system"; readonly content: JsonObject[] };

/** The application's words in the user's turn, marked as what they are. */
export function instruct(text: string): JsonObject {
  return { type: "text", text: `<system>\n${text}\n</system>` };
}

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
      const content = message.parts.map((part) => encodeContent(writing, part));
      return { role: "system", content: content.filter((block) => block !== undefined) };
    }
    case "assistant":
      if (message.name !== undefined) writing.drop("messages[].name");
      return { role: "assistant", content: encodeAssistant(writing, message) };
  }
}

/** Turns of which no two of one role follow each other, and none is empty. */
function merge(turns: readonly Turn[]): Turn[] {
  const merged: Turn[] = [];
  for (const { role, content } of turns) {
    if (content.length === 0) continue;
    const last = merged.at(-1);
    if (last?.role === role) last.content.push(...content);
    else merged.push({ role, content: [...content] });
  }
  return merged;
}

/** An instruction in mid-conversation where it may not stand as one: the user says it, one block for the whole. */
function toWords({ content }: Turn): Turn {
  const texts = content.map((block) => block["text"]).filter((text) => typeof text === "string");
  return { role: "user", content: [instruct(texts.join("\n\n"))] };
}

/**
 * `messages`: roles alternate, results of tools stand first in their message, the last text ends without
 * spaces. Where `takesSystem`, an instruction after the user's turn and before the assistant's stays one; see
 * https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
 */
export function encodeMessages(
  writing: Writing,
  messages: readonly Message[],
  takesSystem: boolean,
): JsonObject[] {
  const spoken = merge(messages.map((message) => encodeMessage(writing, message)));
  const turns = merge(
    spoken.map((turn, index) => {
      if (turn.role !== "system") return turn;
      const follows = spoken[index - 1]?.role === "user";
      const precedes = spoken[index + 1]?.role !== "user";
      return takesSystem && follows && precedes ? turn : toWords(turn);
    }),
  );
  for (const { role, content } of turns) {
    if (role === "user") content.sort((a, b) => Number(isResult(b)) - Number(isResult(a)));
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
