import type { OpenAIChatQuirks } from "../wire/openai-chat/quirks.ts";

/** What is known of a host that speaks OpenAI's Chat Completions. */
export type Profile = {
  /** With the path prefix, without a trailing slash. */
  readonly baseUrl: string;
  /** Where the host's own documentation puts its key; absent where none is needed. */
  readonly keyVariable?: string;
  /** Whether the address above refuses requests without a key. */
  readonly needsKey: boolean;
  /** Where its list of models is, as a path behind the base URL or a whole URL; `false` where it has none. Default `/models`. */
  readonly models?: string | false;
  /** Fields that it answers with an error and that change nothing in the answer: left out even of a verbatim body. */
  readonly refuses?: readonly string[];
  readonly quirks: OpenAIChatQuirks;
};

/** Efforts of hosts that take OpenAI's three first ones only. */
export const THREE_EFFORTS = ["low", "medium", "high"] as const;

/** What open models behind vLLM, SGLang and their like can be asked for beyond OpenAI's fields. */
export const OPEN_MODEL_SAMPLING = { topK: true, minP: true, repetitionPenalty: true } as const;

/** Hosts whose chat takes no other media than images. */
export const TEXT_AND_IMAGES = { audio: false, files: false } as const;
/** Hosts whose chat takes no media at all. */
export const TEXT_ONLY = { ...TEXT_AND_IMAGES, images: false } as const;
