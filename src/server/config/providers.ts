import type { ConnectorKind, ProviderConfig } from "./config.ts";
import {
  isGoogle,
  overridingVariables,
  type ResolvedGoogle,
  resolveGoogle,
  waysIn,
} from "./google.ts";
import {
  type KnownProvider,
  knownProvider,
  knownProviders,
  sharedVariables,
} from "./known-providers.ts";
import { showKey } from "./path.ts";
import type { Environment } from "./references.ts";
import type { FileProvider } from "./schema-parts.ts";

/** A provider that requests can be sent to, or why none can. */
export type ProviderState =
  | { readonly usable: true; readonly provider: ProviderConfig }
  | { readonly usable: false; readonly reason: string };

/** Providers by their names in lower case. */
export type Providers = {
  /** What is known of a name that the checks have let pass. */
  state(name: string): ProviderState;
  /** The environment variable that a field of a provider's table is taken from. */
  variable(name: string, field: string): string | undefined;
  /** Names of the tables of the file. */
  readonly declared: readonly string[];
  /** Known names whose credentials or address are in the environment, in the order of the table of known providers. */
  readonly inEnvironment: readonly string[];
  /** Keys of the file that the environment hides. */
  readonly warnings: readonly string[];
};

/** Puts together what file and environment say of the providers; the environment wins. */
export function createProviders(
  tables: Readonly<Record<string, FileProvider>>,
  env: Environment,
): Providers {
  const declared = new Map(
    Object.entries(tables).map(([name, table]) => [name.toLowerCase(), table]),
  );
  return {
    state: (name) => resolveProvider(name, declared.get(name), env),
    variable(name, field) {
      const table = declared.get(name);
      const known = sameHost(knownProvider(name), table);
      const google = known?.google;
      const byField: Readonly<Record<string, readonly string[] | undefined>> = {
        api_key: known?.keyVariables,
        base_url: known?.baseUrlVariables,
        access_token: google && [google.tokenVariable],
        // The one variable that the file wins over.
        credentials: table?.credentials === undefined && google ? [google.credentialsVariable] : [],
        project: google && [google.projectVariable],
        region: google && [google.regionVariable],
      };
      return first(Object.hasOwn(byField, field) ? byField[field] : undefined, env);
    },
    declared: [...declared.keys()],
    inEnvironment: knownProviders
      .filter((known) => variablesSet(known, env).some((name) => !sharedVariables.has(name)))
      .map((known) => known.name),
    warnings: [...declared].flatMap(([name, table]) => hiddenKeys(name, table, env)),
  };
}

/** The variables of a known provider that are set, in the order in which they are asked. */
export function variablesSet(known: KnownProvider, env: Environment): readonly string[] {
  return [...waysIn(known), ...known.baseUrlVariables].filter((name) => env[name]);
}

function resolveProvider(
  name: string,
  table: FileProvider | undefined,
  env: Environment,
): ProviderState {
  const known = sameHost(knownProvider(name), table);
  const profile = table?.profile ?? known?.profile;
  const kind = table?.kind ?? (profile === undefined ? known?.kind : "openai-compatible");
  if (kind === undefined) return { usable: false, reason: "it is not configured" };
  const keyVariable = first(known?.keyVariables, env);
  const baseUrlVariable = first(known?.baseUrlVariables, env);
  const key = keyVariable && env[keyVariable];
  const google = isGoogle(kind) ? resolveGoogle(table, known, env) : undefined;
  const apiKeys = key ? [key] : google?.isOpened ? [] : keysOf(table);
  const baseUrl = (baseUrlVariable && env[baseUrlVariable]) ?? table?.base_url;
  // Somebody's own server may want no key; the public hosts always do. Vertex AI may be opened by the machine it is asked from.
  const isOpen = apiKeys.length > 0 || baseUrl !== undefined || isMeant(kind, table, google);
  if (!isOpen && known?.needsKey === true) {
    return { usable: false, reason: missingKey(name, known) };
  }
  return {
    usable: true,
    provider: {
      name,
      kind,
      ...(profile === undefined ? {} : { profile }),
      ...(table?.backend === undefined ? {} : { backend: table.backend }),
      ...(baseUrl === undefined ? {} : { baseUrl: baseUrl.replace(/\/+$/, "") }),
      ...(google?.options === undefined ? {} : { google: google.options }),
      apiKeys,
      headers: table?.headers ?? {},
    },
  };
}

function isMeant(
  kind: ConnectorKind,
  table: FileProvider | undefined,
  google: ResolvedGoogle | undefined,
): boolean {
  const { project, accessToken, credentials } = google?.options ?? {};
  const isSaid = [table, project, accessToken, credentials].some((each) => each !== undefined);
  return kind === "vertex" && isSaid;
}

/** Requests will be paid for by another account than the file says: worth a word. */
function hiddenKeys(name: string, table: FileProvider, env: Environment): readonly string[] {
  const known = sameHost(knownProvider(name), table);
  const variable = first(known && overridingVariables(known), env);
  const keys = [...keysOf(table), table.access_token, table.credentials].filter(
    (key) => key !== undefined,
  );
  if (variable === undefined || keys.length === 0) return [];
  if (keys.length === 1 && keys[0] === env[variable]) return [];
  return [`${variable} in the environment replaces the key of [providers.${showKey(name)}]`];
}

/** The known provider, unless a table of its name makes something else of it. */
function sameHost(
  known: KnownProvider | undefined,
  table: FileProvider | undefined,
): KnownProvider | undefined {
  const otherKind = table?.kind !== undefined && table.kind !== known?.kind;
  const otherProfile = table?.profile !== undefined && table.profile !== known?.profile;
  return otherKind || otherProfile ? undefined : known;
}

/** The first of the variables that is set. */
function first(variables: readonly string[] | undefined, env: Environment): string | undefined {
  return variables?.find((variable) => env[variable]);
}

function keysOf(table: FileProvider | undefined): readonly string[] {
  if (table?.api_keys) return table.api_keys;
  return table?.api_key === undefined ? [] : [table.api_key];
}

function missingKey(name: string, known: KnownProvider): string {
  const more = known.google
    ? ", or make a table for it to use what gcloud or this machine has"
    : "";
  return `it has no key; set ${waysIn(known).join(" or ")}, or api_key in [providers.${showKey(name)}]${more}`;
}
