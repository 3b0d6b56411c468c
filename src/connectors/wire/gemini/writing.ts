import type { Drop } from "../writing.ts";
import type { GeminiTraits } from "./models.ts";
import type { GeminiQuirks } from "./quirks.ts";

/** What one encoding knows: the host's quirks, the model's traits, and whom to tell what was left out. */
export type Writing = {
  readonly quirks: GeminiQuirks;
  readonly traits: GeminiTraits;
  readonly drop: Drop;
};
