import type { ChatError } from "../../hub/error.ts";
import type { ChatRequest } from "../../hub/request.ts";
import type { Asked, Recast } from "../../hub/wire.ts";
import type { Drop } from "../writing.ts";

/**
 * From GPT-5.4 on OpenAI's chat refuses tools together with an effort, and from 5.6 on also tools without the effort `none`. A request
 * of another dialect, whose author does not know of it, is asked without the effort; who speaks OpenAI's own is told.
 * https://github.com/openai/openai-openapi/issues/541
 */
export function recast(
  { request, headers }: Asked,
  error: ChatError,
  drop: Drop,
): Recast | undefined {
  const isIt =
    error.upstreamStatus === 400 && /\btools\b.*\breasoning_effort\b/i.test(error.message);
  const isOwn = request.source.dialect === "openai-chat";
  if (!isIt || isOwn || request.tools.length === 0) return undefined;
  const { reasoning, ...rest } = request;
  if (reasoning !== undefined) drop("reasoning");
  const isNone = /['"]none['"]/.test(error.message);
  const changed: ChatRequest = isNone ? { ...rest, reasoning: { effort: "none" } } : rest;
  return { headers, request: changed, lasting: true };
}
