import type { ReasoningEffort } from "../../hub/request.ts";

/**
 * What a host can take beyond plain text. What it cannot take is refused before any money is spent, unless the table in
 * `DEFAULT_SUPPORT` says otherwise.
 */
export type OpenAIChatFeature =
  | "images"
  /** Images and videos at addresses on the web, which the host then fetches. */
  | "mediaUrls"
  | "audio"
  | "video"
  | "files"
  /** Files by URL in `file_data`. */
  | "fileUrls"
  /** Files by an id that this host gave. */
  | "fileIds"
  /** `images` of earlier assistant messages; left out and named where unsupported. */
  | "assistantImages"
  /** Content as an array of text parts; joined to one string where unsupported. */
  | "textParts"
  | "tools"
  /** `strict` on tools; left out and named where unsupported. */
  | "strictTools"
  /** `parallel_tool_calls`. */
  | "parallelToolCalls"
  /** `tool_choice` of type `allowed_tools`; becomes a shorter list of tools where unsupported. */
  | "allowedTools"
  | "jsonObject"
  | "jsonSchema"
  | "logprobs"
  | "logitBias"
  /** The rest is left out and named where unsupported. */
  | "seed"
  | "penalties"
  | "topK"
  | "minP"
  | "repetitionPenalty"
  | "verbosity"
  | "promptCacheKey"
  | "cacheControl"
  | "names"
  | "user"
  | "metadata";

/** What a host is taken to support if its quirks do not say: OpenAI's documented core, none of the extensions. */
const DEFAULT_SUPPORT: Readonly<Record<OpenAIChatFeature, boolean>> = {
  images: true,
  mediaUrls: true,
  audio: true,
  video: false,
  files: true,
  fileUrls: false,
  fileIds: false,
  assistantImages: false,
  textParts: true,
  tools: true,
  strictTools: true,
  parallelToolCalls: true,
  allowedTools: false,
  jsonObject: true,
  jsonSchema: true,
  logprobs: true,
  logitBias: true,
  seed: true,
  penalties: true,
  topK: false,
  minP: false,
  repetitionPenalty: false,
  verbosity: false,
  promptCacheKey: false,
  cacheControl: false,
  names: true,
  user: true,
  metadata: false,
};

/** How a host that speaks OpenAI's Chat Completions differs from the next one. Every field has a default. */
export type OpenAIChatQuirks = {
  /** Where the cap on the output goes. Default `max_tokens`; OpenAI's reasoning models take only the other. */
  readonly maxTokensField?: "max_tokens" | "max_completion_tokens";
  /**
   * The role of instructions. Default `system`; `as-given` keeps `developer` where the caller said so (only hosts that know
   * the role), `developer` makes all of them so.
   */
  readonly systemRole?: "system" | "developer" | "as-given";
  /**
   * How a stream comes to tell its usage. Default `include_usage`: `stream_options.include_usage` is sent. `always`: unasked.
   * `unsupported`: never, and `stream_options` would be refused.
   */
  readonly streamUsage?: "include_usage" | "always" | "unsupported";
  /**
   * How a wish about reasoning is said. Default `effort`: `reasoning_effort`. `openrouter`: the `reasoning` object. `thinking`:
   * `thinking.type` (DeepSeek, Moonshot, GLM). `enable_thinking`: that flag and `thinking_budget` (Alibaba). `none`: left out
   * and named.
   */
  readonly reasoningRequest?: "effort" | "openrouter" | "thinking" | "enable_thinking" | "none";
  /** The efforts it knows; others become the nearest of these. Default: all but `max`. */
  readonly efforts?: readonly ReasoningEffort[];
  /**
   * The field in which earlier thoughts go back to it. Default `none`: left out and named. Only `reasoning_details` carries
   * signatures and encrypted thoughts.
   */
  readonly reasoningField?: "reasoning_details" | "reasoning_content" | "reasoning" | "none";
  /**
   * Where images and files that a tool returned go. Default `user-message`: behind the results, since OpenAI's tool messages
   * hold only text; `parts`: in the tool message itself.
   */
  readonly toolResultMedia?: "parts" | "user-message";
  /** More stop sequences than this are refused. Default: no limit. */
  readonly maxStopSequences?: number;
  /** Exceptions from `DEFAULT_SUPPORT`. */
  readonly supports?: Readonly<Partial<Record<OpenAIChatFeature, boolean>>>;
};

/** Whether a host takes this. */
export function isSupported(quirks: OpenAIChatQuirks, feature: OpenAIChatFeature): boolean {
  return quirks.supports?.[feature] ?? DEFAULT_SUPPORT[feature];
}
