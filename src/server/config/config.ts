/**
 * The configuration as the rest of the server receives it: every default filled in, every reference resolved, names folded
 * to lower case. `load.ts` makes it from file, environment and flags.
 */

import type { ConnectorOptions } from "../../connectors/connector.ts";

/** The kinds of provider that this build has a connector for. A new connector adds its kind here. */
export const connectorKinds = ["openrouter", "anthropic", "openai-compatible", "demo"] as const;

export type ConnectorKind = (typeof connectorKinds)[number];

/** What a provider's connector is made from, of a kind that exists. */
export type ProviderConfig = Omit<ConnectorOptions, "kind" | "fetch"> & {
  readonly kind: ConnectorKind;
};

export type RetryConfig = { readonly maxRetries: number; readonly backoffMs: number };

export type RouteConfig = {
  /** Lower case name of a provider. */
  readonly provider: string;
  readonly providerModelId: string;
  /** Total of one attempt; absent takes `timeouts.totalMs`. */
  readonly timeoutMs?: number;
  readonly retry: RetryConfig;
  /** Share among the weighted routes of a model; absent on ordered ones. */
  readonly weight?: number;
  readonly region?: string;
  readonly project?: string;
};

export type ModelConfig = {
  readonly name: string;
  /**
   * In the order in which they are tried; weighted ones share the first place and stand before the others. Empty when no
   * provider of the model can be used: it is listed, and asking it is answered with 503.
   */
  readonly routes: readonly RouteConfig[];
};

/** US dollars per million tokens. */
export type PriceConfig = {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
};

export type Config = {
  /** The file it came from, or undefined in zero-configuration mode. */
  readonly file: string | undefined;
  /** What is valid but will surprise: routes left out, no provider at all. One sentence each, to be said at the start. */
  readonly warnings: readonly string[];
  readonly server: {
    readonly host: string;
    readonly port: number;
    /** How long a stopping server goes on accepting while `/readyz` already fails. */
    readonly drainDelayMs: number;
    /** How long a stopping server lets streams finish. */
    readonly drainMs: number;
    /** Silence after which a keep-alive is sent to a waiting client. */
    readonly keepAliveMs: number;
  };
  /** `sqlite:PATH` or `postgres://…`. */
  readonly database: string;
  readonly usage: {
    /** Absolute path of the folder for what is on its way to the database. */
    readonly journalDir: string;
  };
  readonly keys: {
    /** How long keys go on working while the database cannot be asked about them; 0 is for ever. */
    readonly graceMs: number;
  };
  readonly log: {
    readonly level: "debug" | "info" | "warn" | "error";
    readonly format: "pretty" | "json";
  };
  readonly providers: readonly ProviderConfig[];
  /** Empty in zero-configuration mode, where `PROVIDER/MODEL` addresses any model of a provider. */
  readonly models: readonly ModelConfig[];
  readonly rateLimiting: {
    /** Requests a minute of a key that has no rate of its own; 0 is unlimited. */
    readonly defaultRpm: number;
    /** How many requests of a key may come at once, or six seconds' worth of its rate if that is more. */
    readonly burstSize: number;
  };
  readonly timeouts: {
    readonly connectMs: number;
    readonly headersMs: number;
    readonly firstEventMs: number;
    readonly idleMs: number;
    readonly totalMs: number;
  };
  readonly retry: RetryConfig;
  readonly breaker: {
    /** Failures in a row that open a circuit. */
    readonly failures: number;
    /** How long it stays open before one probe is let through. */
    readonly cooldownMs: number;
  };
  readonly limits: {
    readonly maxBodyBytes: number;
    /** How deep arrays and objects may stand inside each other. */
    readonly maxDepth: number;
    readonly maxMessages: number;
    /** Content parts of all messages together. */
    readonly maxParts: number;
    readonly maxTools: number;
    /** Ceiling on the tokens a request may ask for; 0 is none. */
    readonly maxTokens: number;
  };
  readonly cors: { readonly origins: readonly string[] };
  /** By logical model, by `provider/model`, or by the provider's model id, as written. */
  readonly prices: Readonly<Record<string, PriceConfig>>;
};
