import type { JsonObject } from "./json.ts";

/** The protocols that clients and providers speak. Each has one folder under `wire/`. */
export type Dialect = "openai-chat" | "anthropic-messages" | "gemini";

/** Marks the end of a prompt prefix that the provider may cache, for as long as `ttl` says. */
export type CacheHint = { readonly ttl?: "5m" | "1h" };

/** Where media bytes are: fetched by the provider, carried along as base64, or known to it by an id. */
export type MediaSource =
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "base64"; readonly data: string }
  | { readonly kind: "file-id"; readonly id: string };

export type TextPart = {
  readonly type: "text";
  readonly text: string;
  readonly cache?: CacheHint;
};

/** The model's own words declining to answer (OpenAI's `refusal`). */
export type RefusalPart = { readonly type: "refusal"; readonly text: string };

export type ImagePart = {
  readonly type: "image";
  readonly source: MediaSource;
  /** Always present beside base64. */
  readonly mimeType?: string;
  readonly detail?: "low" | "high" | "auto" | "original";
  readonly cache?: CacheHint;
};

export type AudioPart = {
  readonly type: "audio";
  readonly source: MediaSource;
  readonly mimeType?: string;
  readonly cache?: CacheHint;
};

export type VideoPart = {
  readonly type: "video";
  readonly source: MediaSource;
  readonly mimeType?: string;
  readonly cache?: CacheHint;
};

/** A document: PDF, plain text or whatever the provider reads. */
export type FilePart = {
  readonly type: "file";
  readonly source: MediaSource;
  readonly mimeType?: string;
  readonly filename?: string;
  readonly cache?: CacheHint;
};

/**
 * What a reasoning model thought. `signature` and `data` are opaque and belong to the provider that made them; they go back
 * to it unchanged on the next turn and nowhere else.
 */
export type ReasoningPart = {
  readonly type: "reasoning";
  /** `text`: the thoughts; `summary`: a digest of them; `encrypted`: nothing readable, only `data`. */
  readonly form: "text" | "summary" | "encrypted";
  readonly text: string;
  readonly signature?: string;
  readonly data?: string;
  /** The maker's name for the encoding, e.g. `anthropic-claude-v1`, `openai-responses-v1`. */
  readonly format?: string;
  readonly id?: string;
};

export type ToolCallPart = {
  readonly type: "tool-call";
  readonly id: string;
  readonly name: string;
  /** JSON text exactly as the model wrote it; may be empty, may even be malformed. */
  readonly arguments: string;
  /** Gemini's thoughtSignature, opaque. */
  readonly signature?: string;
  readonly cache?: CacheHint;
};

export type MediaPart = ImagePart | AudioPart | VideoPart | FilePart;

export type ToolResultPart = {
  readonly type: "tool-result";
  readonly toolCallId: string;
  readonly parts: readonly (TextPart | MediaPart)[];
  readonly isError?: boolean;
  readonly cache?: CacheHint;
};

export type Part =
  | TextPart
  | RefusalPart
  | MediaPart
  | ReasoningPart
  | ToolCallPart
  | ToolResultPart;

/** One instruction block. OpenAI's newer models call the same thing `developer`. */
export type SystemPart = TextPart & { readonly authority?: "developer"; readonly name?: string };

/**
 * One turn. Results of tools stand in messages of role `tool`; consecutive ones are one message with several results.
 * Role `system` occurs only in mid-conversation; leading instructions are `ChatRequest.system`.
 */
export type Message =
  | {
      readonly role: "system";
      readonly parts: readonly TextPart[];
      readonly authority?: "developer";
      readonly name?: string;
    }
  | {
      readonly role: "user";
      readonly parts: readonly (TextPart | MediaPart)[];
      readonly name?: string;
    }
  | {
      readonly role: "assistant";
      readonly parts: readonly (
        | TextPart
        | RefusalPart
        | MediaPart
        | ReasoningPart
        | ToolCallPart
      )[];
      readonly name?: string;
    }
  | { readonly role: "tool"; readonly parts: readonly ToolResultPart[] };

export type Tool = {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments. */
  readonly parameters?: JsonObject;
  readonly strict?: boolean;
  readonly cache?: CacheHint;
};

export type ToolChoice =
  | { readonly type: "auto" | "none" | "required" }
  | { readonly type: "tool"; readonly name: string }
  /** Only these tools may be called; `required` says that one of them must. */
  | {
      readonly type: "allowed";
      readonly mode: "auto" | "required";
      readonly names: readonly string[];
    };

export type OutputFormat =
  | { readonly type: "text" }
  | { readonly type: "json" }
  | {
      readonly type: "json-schema";
      readonly name: string;
      readonly schema: JsonObject;
      readonly description?: string;
      readonly strict?: boolean;
    };

export type ReasoningEffort = "none" | "minimal" | "low" | "medium" | "high" | "xhigh" | "max";

export type ReasoningRequest = {
  readonly effort?: ReasoningEffort;
  /** Most tokens to think with. */
  readonly budgetTokens?: number;
  /** The model decides how much to think (Anthropic's adaptive thinking, Gemini's budget of -1). */
  readonly adaptive?: boolean;
  readonly enabled?: boolean;
  /** Think, but do not show it. */
  readonly hidden?: boolean;
  readonly summary?: "auto" | "concise" | "detailed";
};

export type Sampling = {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly frequencyPenalty?: number;
  readonly presencePenalty?: number;
  readonly repetitionPenalty?: number;
  readonly seed?: number;
  readonly logitBias?: Readonly<Record<string, number>>;
  readonly logprobs?: boolean;
  readonly topLogprobs?: number;
};

/**
 * A field of the caller's body that the neutral model has no place for. It survives verbatim to a target of the same
 * dialect; across dialects a `harmless` one is dropped (and named in `x-xjp-dropped`) and any other is refused with a 400.
 */
export type Unmapped = { readonly field: string; readonly harmless: boolean };

/** The caller's own words, for targets that speak the caller's dialect. */
export type Source = {
  readonly dialect: Dialect;
  /** The body as it arrived, byte for byte. */
  readonly text: string;
  readonly body: JsonObject;
};

/** One chat turn to be answered, free of any dialect. */
export type ChatRequest = {
  /** The logical model as the caller named it. */
  readonly model: string;
  readonly system: readonly SystemPart[];
  readonly messages: readonly Message[];
  readonly tools: readonly Tool[];
  readonly toolChoice?: ToolChoice;
  readonly parallelToolCalls?: boolean;
  readonly sampling: Sampling;
  readonly maxOutputTokens?: number;
  readonly stop: readonly string[];
  readonly output?: OutputFormat;
  readonly reasoning?: ReasoningRequest;
  /** How many answers; absent is one. Only a verbatim target can give more. */
  readonly candidates?: number;
  readonly verbosity?: "low" | "medium" | "high";
  /** Groups requests that share a prompt prefix, for the provider's cache. */
  readonly cacheKey?: string;
  /** The end user on whose behalf the caller acts. */
  readonly user?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly stream: boolean;
  /** Whether the caller asked for a usage block at the end of its stream. */
  readonly streamUsage: boolean;
  readonly unmapped: readonly Unmapped[];
  readonly source: Source;
  /**
   * Which of the assistants' messages, counted among themselves from 0, the gateway has given thoughts back or taken some away
   * from, which `source` does not show; a target that gets the source verbatim must have that done to it too.
   */
  readonly regrafted?: ReadonlySet<number>;
};
