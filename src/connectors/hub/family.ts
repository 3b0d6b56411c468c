/** Makers of opaque reasoning, by the format that its parts name. Signatures of one maker are noise to every other. */
const MAKERS: readonly (readonly [prefix: string, family: string])[] = [
  ["anthropic-", "anthropic"],
  ["google-", "gemini"],
  ["openai-", "openai"],
  ["azure-openai-", "openai"],
  ["xai-", "xai"],
];

/** The family of a reasoning part's `format`; undefined for one that nobody here knows. */
export function familyOf(format: string | undefined): string | undefined {
  return MAKERS.find(([prefix]) => format?.startsWith(prefix))?.[1];
}
