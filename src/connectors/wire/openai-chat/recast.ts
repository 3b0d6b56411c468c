import type { ChatError } from "../../hub/error.ts";
import type { Asked } from "../../hub/wire.ts";
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
): Asked | undefined {
  const isIt =
    error.upstreamStatus === 400 && /\btools\b.*\breasoning_effort\b/i.test(error.message);
  if (!isIt || request.source.dialect === "openai-chat") return undefined;
  const { reasoning, ...rest } = request;
  if (reasoning !== undefined) drop("reasoning");
  const isNone = /['"]none['"]/.test(error.message);
  return { headers, request: isNone ? { ...rest, reasoning: { effort: "none" } } : rest };
}
