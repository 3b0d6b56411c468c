import type { JsonObject } from "../../hub/json.ts";

/** How a host that speaks Gemini's generateContent differs from the next one. Every field has a default. */
export type GeminiQuirks = {
  /**
   * Where schemas go. Default `json`: `parametersJsonSchema` and `responseJsonSchema`. `openapi`: `parameters` and
   * `responseSchema`, the older subset, which models before 2.0 know alone.
   */
  readonly schemas?: "json" | "openapi";
  /** Whether calls and their results carry ids. Default false: Vertex matches them by name and order. */
  readonly callIds?: boolean;
  /** Whether the host fetches media from http and https addresses. Default true; its own files always go. */
  readonly mediaUrls?: boolean;
  /**
   * The buckets of Google's storage that callers may name, or `*`. Default none: they are read with the gateway's own rights,
   * which are not the caller's.
   */
  readonly buckets?: readonly string[];
  /** Sent where the caller says nothing about safety. */
  readonly safetySettings?: readonly JsonObject[];
};
