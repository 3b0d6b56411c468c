import { ChatError } from "../hub/error.ts";
import type { ChatRequest } from "../hub/request.ts";
import type { DemoModel } from "./answer.ts";

/** What steers real dice; the demo models throw none. */
const DICE: Readonly<Record<string, string>> = {
  temperature: "temperature",
  topP: "top_p",
  topK: "top_k",
  minP: "min_p",
  frequencyPenalty: "frequency_penalty",
  presencePenalty: "presence_penalty",
  repetitionPenalty: "repetition_penalty",
  logitBias: "logit_bias",
};

function refuse(param: string, why: string): never {
  throw new ChatError("invalid-request", `${param}: the demo provider ${why}`, {
    param,
    tryElsewhere: true,
  });
}

/** Refuses what the demo models cannot do, and names to `drop` what they leave aside without harm. Throws ChatError. */
export function checkRequest(
  request: ChatRequest,
  model: DemoModel,
  drop: (field: string) => void,
): void {
  const { candidates = 1 } = request;
  if (candidates > 1) refuse("n", `gives one answer to a request, asked for ${candidates}`);
  for (const { field, harmless } of request.unmapped) {
    if (!harmless) refuse(field, "does not know what to do with this");
    drop(field);
  }
  for (const [key, value] of Object.entries(request.sampling)) {
    const field = DICE[key];
    if (value !== undefined && field !== undefined) drop(field);
  }
  if (request.reasoning !== undefined && model.reasons === undefined) drop("reasoning");
  if (request.verbosity !== undefined) drop("verbosity");
}
