import { BOTH_WAYS, BYTES_ONLY, type Capabilities } from "./capabilities.ts";
import type { GoogleOptions, Target } from "./connector.ts";
import type { Json, JsonObject } from "./hub/json.ts";
import { createLine, type Line, type TokenCounter } from "./line.ts";
import { geminiProvider, type GeminiQuirks } from "./wire/gemini/egress.ts";
import { isOwnAddress } from "./wire/gemini/egress-media.ts";
import { traitsOf } from "./wire/gemini/models.ts";

/** What is done with a model, as it stands in the address. */
export type Verb = "generateContent" | "streamGenerateContent?alt=sse" | "countTokens";

/** Gemini's dialect behind addresses that `path` makes; `counted` puts together what the counter is sent. */
export function geminiLine(
  quirks: GeminiQuirks,
  path: (target: Target, verb: Verb) => string,
  counted: (body: JsonObject, model: string) => JsonObject,
): Line {
  const counter: TokenCounter = {
    path: (target) => path(target, "countTokens"),
    encode: (request, { model }) =>
      JSON.stringify(
        counted(
          geminiProvider.encodeRequest(request, model, quirks, () => undefined),
          model,
        ),
      ),
    decode: (body) => countIn(body["totalTokens"]),
  };
  return createLine(geminiProvider, quirks, {
    path: (target, stream) =>
      path(target, stream ? "streamGenerateContent?alt=sse" : "generateContent"),
    forward: () => undefined,
    amend: () => ({}),
    counter,
  });
}

/** What the provider's table says of the dialect. */
export function tableQuirks({ buckets, safetySettings }: GoogleOptions = {}): GeminiQuirks {
  const settings = Object.entries(safetySettings ?? {});
  return {
    ...(buckets === undefined ? {} : { buckets }),
    ...(settings.length === 0
      ? {}
      : { safetySettings: settings.map(([category, threshold]) => ({ category, threshold })) }),
  };
}

function countIn(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

const CONTEXT_TOKENS = 1_048_576;

/** What a model of Gemini's can do, by its name and the host's quirks. */
export function geminiCapabilities(quirks: GeminiQuirks, model: string): Capabilities {
  const ways = quirks.mediaUrls === false ? BYTES_ONLY : BOTH_WAYS;
  return {
    image: ways,
    file: ways,
    audio: ways,
    video: ways,
    isOwnAddress,
    tools: true,
    jsonObject: true,
    jsonSchema: true,
    reasoning: traitsOf(model).thinking.by !== "nothing",
    prefill: false,
    reasoningFamily: "gemini",
    contextTokens: CONTEXT_TOKENS,
  };
}
