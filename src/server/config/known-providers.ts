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
  /** More ways in for kind `vertex`: a token, a credentials file. */
  readonly google?: {
    readonly tokenVariable: string;
    readonly credentialsVariable: string;
    readonly projectVariable: string;
    readonly regionVariable: string;
  };
  readonly baseUrlVariables: readonly string[];
  /** Whether its own address refuses requests without a key. */
  readonly needsKey: boolean;
};

/**
 * Credentials that stand in many environments for other purposes. They complete a provider that the file names; by
 * themselves they open none, or whoever holds a key of the gateway could spend them.
 */
export const sharedVariables: ReadonlySet<string> = new Set(["GITHUB_TOKEN", "HF_TOKEN"]);

const compatible = Object.entries(profiles).map(([name, profile]) => fromProfile(name, profile));

/** All of them; those that most people mean stand in front, as messages list them. */
export const knownProviders: readonly KnownProvider[] = [
  known("openrouter", "openrouter", ["OPENROUTER_API_KEY"]),
  ...compatible.filter(({ name }) => name === "openai"),
  known("anthropic", "anthropic", ["ANTHROPIC_API_KEY"]),
  {
    ...known("vertex", "vertex", ["VERTEX_API_KEY"]),
    google: {
      tokenVariable: "VERTEX_ACCESS_TOKEN",
      credentialsVariable: "GOOGLE_APPLICATION_CREDENTIALS",
      projectVariable: "VERTEX_PROJECT",
      regionVariable: "VERTEX_REGION",
    },
  },
  known("gemini", "gemini", ["GEMINI_API_KEY"]),
  { ...known("clewdr", "clewdr", ["CLEWDR_API_KEY"]), needsKey: false },
  ...compatible.filter(({ name }) => name !== "openai"),
  { name: "demo", kind: "demo", keyVariables: [], baseUrlVariables: [], needsKey: false },
];

const byName = new Map(knownProviders.map((provider) => [provider.name, provider]));

/** The known provider of this name (lower case). */
export function knownProvider(name: string): KnownProvider | undefined {
  return byName.get(name);
}

function known(name: string, kind: ProviderKind, keyVariables: readonly string[]): KnownProvider {
  return {
    name,
    kind,
    keyVariables,
    baseUrlVariables: [variable(name, "BASE_URL")],
    needsKey: true,
  };
}

function fromProfile(name: string, { keyVariable, needsKey }: Profile): KnownProvider {
  const keyVariables = [keyVariable ?? variable(name, "API_KEY")];
  return { ...known(name, "openai-compatible", keyVariables), profile: name, needsKey };
}

function variable(name: string, suffix: string): string {
  return `${name.replaceAll("-", "_").toUpperCase()}_${suffix}`;
}
