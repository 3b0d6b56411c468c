import { type Profile, profiles } from "../../connectors/profiles.ts";
import type { ProviderKind } from "./schema-parts.ts";

/** A provider that needs no table in the file: its name says what it is. */
export type KnownProvider = {
  /** Lower case. */
  readonly name: string;
  readonly kind: ProviderKind;
  /** A row of `connectors/profiles.ts`, for kind `openai-compatible`. */
  readonly profile?: string;
  /** Environment variables that say how to get in; the first of them that is set counts as the key. */
  readonly keyVariables: readonly string[];
  readonly baseUrlVariables: readonly string[];
  /** Whether its own address refuses requests without a key. */
  readonly needsKey: boolean;
};

/** Where the hosts' own documentation calls the key otherwise than NAME_API_KEY; both names are read. */
const otherKeyVariables: Readonly<Record<string, readonly string[]>> = {
  alibaba: ["DASHSCOPE_API_KEY"],
  qwen: ["DASHSCOPE_API_KEY"],
  vertex: ["VERTEX_ACCESS_TOKEN", "GOOGLE_APPLICATION_CREDENTIALS"],
};

/** All of them; those that most people mean stand in front, as messages list them. */
export const knownProviders: readonly KnownProvider[] = [
  known("openrouter", "openrouter"),
  known("openai", "openai-compatible", profiles["openai"]),
  known("anthropic", "anthropic"),
  known("vertex", "vertex"),
  known("clewdr", "clewdr"),
  ...Object.entries(profiles)
    .filter(([name]) => name !== "openai")
    .map(([name, profile]) => known(name, "openai-compatible", profile)),
  { ...known("demo", "demo"), keyVariables: [], baseUrlVariables: [], needsKey: false },
];

const byName = new Map(knownProviders.map((provider) => [provider.name, provider]));

/** The known provider of this name (lower case). */
export function knownProvider(name: string): KnownProvider | undefined {
  return byName.get(name);
}

/** Names of the rows of `connectors/profiles.ts`. */
export const profileNames: readonly string[] = Object.keys(profiles);

function known(name: string, kind: ProviderKind, profile?: Profile): KnownProvider {
  const prefix = name.replaceAll("-", "_").toUpperCase();
  return {
    name,
    kind,
    ...(profile === undefined ? {} : { profile: name }),
    keyVariables: [`${prefix}_API_KEY`, ...(otherKeyVariables[name] ?? [])],
    baseUrlVariables: [`${prefix}_BASE_URL`],
    needsKey: name !== "clewdr" && !isLocal(profile?.baseUrl),
  };
}

/** Servers on one's own machine want no key. */
function isLocal(baseUrl: string | undefined): boolean {
  return baseUrl !== undefined && /^https?:\/\/(?:localhost|127\.)/.test(baseUrl);
}
