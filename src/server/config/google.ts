import type { GoogleOptions } from "../../connectors/connector.ts";
import type { KnownProvider } from "./known-providers.ts";
import type { Environment } from "./references.ts";
import type { FileProvider, ProviderKind } from "./schema-parts.ts";

/** What Google's kinds are told beside address and keys. */
export type ResolvedGoogle = {
  readonly options?: GoogleOptions;
  /** Whether a token in the environment takes the place of keys in the file. */
  readonly isOpened: boolean;
};

/** Kinds whose tables may hold what only Google's hosts want to know. */
export function isGoogle(kind: ProviderKind): boolean {
  return kind === "vertex" || kind === "gemini";
}

/** The variables by which a known provider is opened, in the order in which they are asked. */
export function waysIn({ keyVariables, google }: KnownProvider): readonly string[] {
  if (!google) return keyVariables;
  return [...keyVariables, google.tokenVariable, google.credentialsVariable];
}

/** Those that win over the file. */
export function overridingVariables({ keyVariables, google }: KnownProvider): readonly string[] {
  return google ? [...keyVariables, google.tokenVariable] : keyVariables;
}

/**
 * Puts together what file and environment say of Google's hosts. The environment wins, but for GOOGLE_APPLICATION_CREDENTIALS,
 * which is there for all of Google's programs and not for this provider alone: it counts where the file names no other way in.
 */
export function resolveGoogle(
  table: FileProvider | undefined,
  known: KnownProvider | undefined,
  env: Environment,
): ResolvedGoogle {
  const from = (variable: string | undefined): string | undefined =>
    (variable === undefined ? undefined : env[variable]) || undefined;
  const token = from(known?.google?.tokenVariable);
  const hasOwn =
    table?.api_key !== undefined ||
    table?.api_keys !== undefined ||
    table?.access_token !== undefined;
  const accessToken = token ?? table?.access_token;
  const common =
    hasOwn || token !== undefined ? undefined : from(known?.google?.credentialsVariable);
  const credentials = token === undefined ? (table?.credentials ?? common) : undefined;
  const project = from(known?.google?.projectVariable) ?? table?.project;
  const region = from(known?.google?.regionVariable) ?? table?.region;
  const { quota_project: quotaProject, safety_settings: safetySettings, buckets } = table ?? {};
  const options: GoogleOptions = {
    ...(project === undefined ? {} : { project }),
    ...(region === undefined ? {} : { region }),
    ...(accessToken === undefined ? {} : { accessToken }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(quotaProject === undefined ? {} : { quotaProject }),
    ...(buckets === undefined ? {} : { buckets }),
    ...(safetySettings === undefined ? {} : { safetySettings }),
  };
  const isEmpty = Object.keys(options).length === 0;
  return { ...(isEmpty ? {} : { options }), isOpened: token !== undefined };
}
