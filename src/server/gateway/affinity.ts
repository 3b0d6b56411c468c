import type { ChatRequest } from "../../connectors/hub/request.ts";

/** Headers in which clients name a conversation: our own, a common one, and those of opencode and Codex. */
const SESSION_HEADERS = ["x-xjp-session", "x-session-id", "x-session-affinity", "session_id"];
/** The beginning of a conversation says which one it is; longer texts add nothing but time. */
const MOST_HASHED = 8192;

/**
 * What the requests of one conversation have in common, so that they go to the target whose prompt cache has their beginning:
 * the session's or cache key's name, else the user's, else the system prompt and the first message.
 */
export function conversationOf(request: ChatRequest, headers: Headers, tenant: string): string {
  for (const name of SESSION_HEADERS) {
    const session = headers.get(name);
    if (session !== null && session !== "") return `${tenant}\n${session}`;
  }
  const named = request.cacheKey ?? request.user;
  if (named !== undefined) return `${tenant}\n${named}`;
  let text = `${tenant}\n`;
  for (const part of request.system) text += part.text.slice(0, MOST_HASHED);
  for (const part of request.messages[0]?.parts ?? []) {
    if (part.type === "text") text += part.text.slice(0, MOST_HASHED);
  }
  return text;
}

/**
 * A number in [0, 1) that is always the same for the same conversation and target, and that nobody can tell from a random one.
 * With it, weighted drawing becomes rendezvous hashing: when a target goes, only its own conversations move.
 */
export function draw(conversation: string, target: string): number {
  // The first 53 bits, which is what a double holds.
  return Number(Bun.hash.xxHash64(target, Bun.hash.xxHash64(conversation)) >> 11n) / 2 ** 53;
}
