/**
 * The configuration as the rest of the server receives it: every default filled in, every reference resolved, names folded
 * to lower case. `load.ts` makes it from file, environment and flags.
 */

import type { ConnectorOptions } from "../../connectors/connector.ts";

/** The kinds of provider that this build has a connector for. A new connector adds its kind here. */
export const connectorKinds = [
  "openrouter",
  "anthropic",
  "vertex",
  "gemini",
  "clewdr",
  "openai-compatible",
  "demo",
] as const;

export type ConnectorKind = (typeof connectorKinds)[number];

/** What a provider's connector is made from, of a kind that exists. */
export type ProviderConfig = Omit<ConnectorOptions, "kind" | "fetch" | "download"> & {
  readonly kind: ConnectorKind;
};

export type RetryConfig = { readonly maxRetries: number; readonly backoffMs: number };

/** What becomes of a stream that breaks: an error event; nothing is sent before all is there; another target goes on. */
export type Recovery = "error" | "buffer" | "continue";

/** What the operator says a target can do; absent is what its connector says. */
export type StatedCapabilities = {
  readonly tools?: boolean;
  readonly images?: boolean;
  readonly files?: boolean;
  readonly audio?: boolean;
  readonly video?: boolean;
  readonly jsonSchema?: boolean;
  readonly prefill?: boolean;
  readonly contextTokens?: number;
};

export type RouteConfig = {
  /** Lower case name of a provider. */
  readonly provider: string;
  readonly providerModelId: string;
  /** Total of one attempt; absent takes `timeouts.totalMs`. */
  readonly timeoutMs?: number;
  readonly retry: RetryConfig;
  /** Share among the weighted routes of a model; absent on ordered ones. */
  readonly weight?: number;
  readonly capabilities?: StatedCapabilities;
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
  /** Routes of the file that cannot be used, and why. */
  readonly leftOut?: readonly LeftOutRoute[];
  /** Absent is `error`. */
  readonly recovery?: Recovery;
  /** False draws among weighted routes anew for every request. */
  readonly affinity?: boolean;
  /** What each key may use of it. */
  readonly limits?: LimitTerms;
};

export type LeftOutRoute = {
  readonly provider: string;
  readonly providerModelId: string;
  readonly reason: string;
};

/** Limits of a key, a tenant or a model; absent or null is unlimited, and so is 0 of everything but money. */
export type LimitTerms = {
  /** Requests a minute. */
  readonly rpm?: number | null;
  /** Requests a UTC day. */
  readonly rpd?: number | null;
  /** Tokens a minute. */
  readonly tpm?: number | null;
  readonly tokensPerDay?: number | null;
  /** Spend per UTC day. */
  readonly budgetPerDayNanoUsd?: number | null;
  /** Spend per UTC calendar month. */
  readonly budgetNanoUsd?: number | null;
  /** Requests in flight. */
  readonly concurrency?: number | null;
};

/** What holds for all keys of a tenant. */
export type TenantConfig = {
  /** The only models its keys may use, `*` at the end standing for any rest; absent is all. */
  readonly models?: readonly string[];
  /** Names that stand for models. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** What all its keys together may use. */
  readonly limits?: LimitTerms;
};

/** US dollars per million tokens. */
export type PriceConfig = {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
};

export type BreakerConfig = {
  /** Failures in a row that open a circuit. */
  readonly failures: number;
  /** Share of failures within `windowMs` that opens it, too, once there were `minRequests`. */
  readonly failureRate: number;
  readonly minRequests: number;
  readonly windowMs: number;
  /** How long it stays open before probes are let through. */
  readonly cooldownMs: number;
  /** How many are let through at a time. */
  readonly probes: number;
  /** How many must succeed in a row before it closes. */
  readonly successes: number;
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
    /** Longest time for a request to arrive. */
    readonly receiveMs: number;
    /** How long a client may leave a stream unread. */
    readonly slowReaderMs: number;
    /** Opens the admin API; absent is off. */
    readonly adminToken?: string;
  };
  /** `sqlite:PATH` or `postgres://…`. */
  readonly database: string;
  /** Where counters and answers are that several instances share; absent is in the database, if that is one for many. */
  readonly redis?: string;
  readonly usage: {
    /** Absolute path of the folder for what is on its way to the database. */
    readonly journalDir: string;
    /** How many whole days before today the rows of requests are kept; 0 is for ever. */
    readonly retentionDays: number;
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
  /** By name, as keys carry it. */
  readonly tenants: Readonly<Record<string, TenantConfig>>;
  readonly rateLimiting: {
    /** Requests a minute of a key that has no rate of its own; 0 is unlimited. */
    readonly defaultRpm: number;
    /** How many requests of a key may come at once, or six seconds' worth of its rate if that is more. */
    readonly burstSize: number;
    /** What is reserved for the answer to a request that does not say how long it may become. */
    readonly assumedOutputTokens: number;
    /** How many gateways share the limits, at the least. */
    readonly instances: number;
  };
  readonly timeouts: {
    readonly connectMs: number;
    readonly headersMs: number;
    readonly firstEventMs: number;
    readonly idleMs: number;
    readonly totalMs: number;
  };
  readonly retry: RetryConfig & {
    /** Attempts of one request on all its routes together. */
    readonly maxAttempts: number;
  };
  readonly breaker: BreakerConfig;
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
  readonly media: {
    /** Whether the gateway fetches media at URLs for providers that take only bytes. */
    readonly fetchUrls: boolean;
    /** Whether from addresses inside too. */
    readonly allowPrivate: boolean;
    readonly allowHttp: boolean;
    readonly maxBytes: number;
    /** For all files of one request together. */
    readonly maxTotalBytes: number;
    /** For those of all requests that are being fetched. */
    readonly maxHeldBytes: number;
    readonly timeoutMs: number;
  };
  readonly idempotency: {
    /** How long an answer is given again. */
    readonly keepMs: number;
    /** Longer answers are not kept. */
    readonly maxAnswerBytes: number;
    /** Of more than that the oldest go first. */
    readonly maxTotalBytes: number;
  };
  readonly cors: { readonly origins: readonly string[] };
  /** By logical model, by `provider/model`, or by the provider's model id, as written. */
  readonly prices: Readonly<Record<string, PriceConfig>>;
};
