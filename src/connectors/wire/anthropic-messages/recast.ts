import type { ChatError } from "../../hub/error.ts";
import type { ChatRequest, Message } from "../../hub/request.ts";
import type { Asked, Recast } from "../../hub/wire.ts";
import type { Drop } from "../writing.ts";
import { withoutExtra } from "./refused-fields.ts";

/**
 * How Anthropic says that it does not know thoughts for its own, or misses some: those of another model, account or conversation
 * (from 5.5 on they are tied to all three), changed ones, and none where a turn of tools was begun with some.
 */
const REFUSED =
  /\bthinking\b.*\b(?:cannot be modified|signature|different (?:model|conversation|account)|must contain thinking)\b|\bsignature\b.*\bthinking\b|\bexpected\b.*\bthinking\b.*\bfound\b/i;

/** How hosts of the dialect name the betas that they have not got. */
const UNKNOWN_BETAS = /Unexpected value\(s\) (.+) for the `anthropic-beta` header/;

/**
 * A request that this host refused for something that it can do without: thoughts that it does not know for its own, betas and
 * fields that it has not got yet. Claude Code sends many of the latter, and hosts follow Anthropic at a distance.
 */
export function recast(asked: Asked, error: ChatError, drop: Drop): Recast | undefined {
  if (error.upstreamStatus !== 400) return undefined;
  const { request, headers } = asked;
  const { message } = error;
  if (REFUSED.test(message)) {
    const thoughtless = withoutThoughts(request, drop);
    return thoughtless && { headers, request: thoughtless, lasting: false };
  }
  const betas = UNKNOWN_BETAS.exec(message)?.[1];
  if (betas !== undefined) return withoutBetas(asked, betas, drop);
  const less = withoutExtra(request, message, drop);
  return less && { headers, request: less, lasting: true };
}

/** The request without anybody's thoughts: an answer without them is better than none. */
function withoutThoughts(request: ChatRequest, drop: Drop): ChatRequest | undefined {
  const assistants = request.messages.filter(({ role }) => role === "assistant");
  const hasThoughts = assistants.some(({ parts }) =>
    parts.some(({ type }) => type === "reasoning"),
  );
  if (!hasThoughts && request.regrafted?.size === assistants.length) return undefined;
  drop("messages[].content[].thinking");
  const messages = request.messages.map((message): Message => {
    if (message.role !== "assistant") return message;
    return { ...message, parts: message.parts.filter((part) => part.type !== "reasoning") };
  });
  return { ...request, messages, regrafted: new Set(assistants.keys()) };
}

function withoutBetas({ request, headers }: Asked, named: string, drop: Drop): Recast | undefined {
  const refused = new Set(Array.from(named.matchAll(/`([^`]+)`/g), ([, name]) => name));
  const betas = (headers.get("anthropic-beta") ?? "").split(",").map((name) => name.trim());
  const kept = betas.filter((name) => !refused.has(name));
  if (kept.length === betas.length) return undefined;
  for (const name of betas) if (refused.has(name)) drop(`anthropic-beta:${name}`);
  const less = new Headers(headers);
  if (kept.length > 0) less.set("anthropic-beta", kept.join(","));
  else less.delete("anthropic-beta");
  return { request, headers: less, lasting: true };
}
