/** How media can be handed over: as an address that the target fetches for itself, or as bytes. */
export type MediaWay = "url" | "base64";

/** Of a kind of media that a target fetches for itself, too. */
export const BOTH_WAYS: readonly MediaWay[] = ["url", "base64"];
/** Of one that must be handed over. */
export const BYTES_ONLY: readonly MediaWay[] = ["base64"];
/** Of one that the target does not take. */
export const NO_WAY: readonly MediaWay[] = [];

/** What one target can do, known before it is asked. Absent knowledge is optimistic: the provider has the last word. */
export type Capabilities = {
  /** Empty where the target takes none; `file` is a PDF or another document. */
  readonly image: readonly MediaWay[];
  readonly file: readonly MediaWay[];
  readonly audio: readonly MediaWay[];
  readonly video: readonly MediaWay[];
  /** Whether an address is one of the host's own, which it takes whatever stands above. */
  readonly isOwnAddress?: (url: string) => boolean;
  readonly tools: boolean;
  readonly jsonObject: boolean;
  readonly jsonSchema: boolean;
  /** Whether an answer can be asked to think. */
  readonly reasoning: boolean;
  /** Whether a last message of the assistant is gone on with, rather than answered. */
  readonly prefill: boolean;
  /**
   * Whose opaque reasoning (signatures, encrypted thoughts) the target takes back, e.g. `anthropic`, `gemini`; `none` where
   * it is known to take nobody's, absent where that is not known.
   */
  readonly reasoningFamily?: string;
  /** Most tokens of input and output together, where that is known. */
  readonly contextTokens?: number;
};
