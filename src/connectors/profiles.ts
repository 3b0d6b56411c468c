/**
 * Hosts that speak OpenAI's Chat Completions, by the names that configuration gives them. A new one is a row; what differs
 * is data, as far as its documentation or its users' bug reports say. A model may do less than its host: the host says so.
 */
import { hosted } from "./profiles/hosted.ts";
import type { Profile } from "./profiles/profile.ts";
import { selfHosted } from "./profiles/self-hosted.ts";

export type { Profile } from "./profiles/profile.ts";

/** Every row by its name. */
export const profiles: Readonly<Record<string, Profile>> = { ...hosted, ...selfHosted };

/** The names of the rows. */
export const profileNames: readonly string[] = Object.keys(profiles);
