/** What the provider halves of all dialects say of wishes that a target cannot fulfil. */
import { ChatError } from "../hub/error.ts";
import type { ChatRequest } from "../hub/request.ts";

/** Told the name of each harmless field that is left out. */
export type Drop = (field: string) => void;

/** The error for what this target cannot express; another target may. */
export function cannot(param: string, what: string): ChatError {
  return new ChatError("invalid-request", `this model's provider cannot take ${what}`, {
    param,
    code: "unsupported_by_provider",
    tryElsewhere: true,
  });
}

/** Fields of the caller's that the hub could not hold: named and left out, or refused, before anything is sent. */
export function settleUnmapped(request: ChatRequest, drop: Drop): void {
  for (const { field, harmless } of request.unmapped) {
    if (!harmless) {
      throw new ChatError(
        "invalid-request",
        `this model's provider has nothing that corresponds to ${field}`,
        { param: field, code: "unsupported_by_provider", tryElsewhere: true },
      );
    }
    drop(field);
  }
}

/** The same function, which hears of each field once. */
export function onceEach(drop: Drop): Drop {
  const dropped = new Set<string>();
  return (field) => {
    if (dropped.has(field)) return;
    dropped.add(field);
    drop(field);
  };
}
