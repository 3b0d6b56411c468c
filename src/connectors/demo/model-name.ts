import { ChatError } from "../hub/error.ts";

/** A demo model as a target names it: `story`, `story@200` (tokens a second) or `story@max`. */
export type ModelName = {
  readonly id: string;
  /** Tokens a second; `Infinity` for `@max`, absent when the name does not say. */
  readonly rate?: number;
};

/** Throws ChatError `invalid-request` for a pace that is neither a number above zero nor `max`. */
export function parseModelName(model: string): ModelName {
  const at = model.lastIndexOf("@");
  if (at === -1) return { id: model };
  const id = model.slice(0, at);
  const pace = model.slice(at + 1);
  const rate = pace === "max" ? Infinity : Number(pace);
  if (pace.trim() === "" || !(rate > 0)) {
    throw new ChatError(
      "invalid-request",
      `model: the pace "${pace}" of "${model}" is not a number of tokens a second; write "${id}@200" or "${id}@max"`,
      { param: "model" },
    );
  }
  return { id, rate };
}
