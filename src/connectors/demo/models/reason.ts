import type { ChatRequest } from "../../hub/request.ts";
import type { Block, DemoModel } from "../answer.ts";
import { lastUserTurn } from "../prompt.ts";
import { shapeText } from "../shape.ts";
import { toTokens } from "../token.ts";

const MOST_WORDS = 12;

function think(words: readonly string[], longest: string, thorough: boolean): string {
  const counted = words
    .slice(0, MOST_WORDS)
    .map((word) => `"${word}" has ${Array.from(word).length}.`);
  const rest = words.length > MOST_WORDS ? [`${words.length - MOST_WORDS} more words follow.`] : [];
  const check = thorough
    ? [`Once more from the end: nothing in ${words.length} words is longer than "${longest}".`]
    : [];
  return ["I count the characters of each word.", ...counted, ...rest, ...check].join(" ");
}

function reasoningOf(request: ChatRequest, thought: string): readonly Block[] {
  const { effort, enabled, budgetTokens, hidden } = request.reasoning ?? {};
  if (enabled === false || effort === "none") return [];
  const tokens = toTokens(thought).slice(0, budgetTokens ?? Infinity);
  return [{ type: "reasoning", text: tokens.join(""), hidden: hidden === true }];
}

/** Thinks aloud about the words of the last user turn, then says which is the longest. */
export const reason: DemoModel = {
  id: "reason",
  title: "thinks first, then answers, and reports its reasoning tokens",
  reasons: true,
  answer(request) {
    const words = (lastUserTurn(request.messages) ?? "").match(/[\p{L}\p{M}\p{N}'-]+/gu) ?? [];
    const longest = words.reduce(
      (best, word) => (Array.from(word).length > Array.from(best).length ? word : best),
      "",
    );
    const effort = request.reasoning?.effort;
    const thorough = effort === "high" || effort === "xhigh" || effort === "max";
    const answer =
      words.length > 1
        ? `Your message has ${words.length} words, and "${longest}" is the longest of them.`
        : words.length === 1
          ? `Your message has one word: "${longest}".`
          : "There is no word in your message.";
    return {
      blocks: [
        ...reasoningOf(request, think(words, longest, thorough)),
        shapeText(request, answer),
      ],
    };
  },
};
