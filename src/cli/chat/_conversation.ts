import type { JsonObject } from "../../connectors/hub/json.ts";
import type { Spent } from "./_stream.ts";

export type Turn = { readonly role: "user" | "assistant"; readonly content: string };

/** What was said so far and to whom; what every request is made from. */
export type Conversation = {
  model: string;
  system: string | undefined;
  turns: readonly Turn[];
  answers: number;
  spent: Spent;
};

const nothing: Spent = { inputTokens: 0, outputTokens: 0, costUsd: undefined };

/** Marks an answer that was stopped, for the model and for whoever reads the saved text. */
export const stoppedMark = "[stopped]";

/** A conversation in which nothing has been said yet. */
export function newConversation(model: string, system: string | undefined): Conversation {
  return { model, system, turns: [], answers: 0, spent: nothing };
}

/** The body of the request for the next answer, without what says that it is streamed. */
export function requestOf({ model, system, turns }: Conversation): JsonObject {
  const instructions = system === undefined ? [] : [{ role: "system", content: system }];
  return { model, messages: [...instructions, ...turns] };
}

/** Adds what an answer took to what the conversation has taken. */
export function addSpent(conversation: Conversation, spent: Spent | undefined): void {
  conversation.answers += 1;
  if (spent === undefined) return;
  const total = conversation.spent;
  const cost = (total.costUsd ?? 0) + (spent.costUsd ?? 0);
  const known = total.costUsd !== undefined || spent.costUsd !== undefined;
  conversation.spent = {
    inputTokens: total.inputTokens + spent.inputTokens,
    outputTokens: total.outputTokens + spent.outputTokens,
    costUsd: known ? cost : undefined,
  };
}

/** The conversation as Markdown, or as the request's JSON where the file's name asks for it. */
export function conversationText(conversation: Conversation, file: string): string {
  if (file.endsWith(".json")) return `${JSON.stringify(requestOf(conversation), null, 2)}\n`;
  const { model, system, turns } = conversation;
  const blocks = [
    `# Chat with ${model}`,
    ...(system === undefined ? [] : [`## System\n\n${system}`]),
    ...turns.map(({ role, content }) => `## ${role === "user" ? "You" : "Answer"}\n\n${content}`),
  ];
  return `${blocks.join("\n\n")}\n`;
}
