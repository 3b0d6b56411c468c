import { Gauge, Histogram, Registry } from "prom-client";
import { createTally } from "./tally.ts";

/** What the metrics tell of one settled request. Times are milliseconds, money is nano-dollars. */
export type Settled = {
  readonly tenantId: string;
  readonly logicalModel: string;
  /** Empty when no provider was reached. */
  readonly provider: string;
  readonly statusCode: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
  readonly costNanoUsd: number;
  readonly latencyMs: number;
  readonly timeToFirstTokenMs: number | null;
};

/** The gateway's Prometheus metrics, in a registry of their own. Names and labels are part of the public face. */
export type Metrics = {
  /** A request that reached routing has ended. */
  settled(row: Settled): void;
  /** An authenticated request was refused before routing. */
  refused(tenantId: string, status: number, seconds: number): void;
  /** An attempt at a provider ended with `ok` or an error's kind. */
  attempted(provider: string, outcome: string): void;
  /** A message of a provider's stream could not be read and was left out. */
  malformed(provider: string): void;
  limitHit(tenantId: string, limit: string): void;
  authFailed(reason: "missing" | "malformed" | "unknown" | "revoked" | "expired"): void;
  streamed(bytes: number): void;
  /** Seconds from a request's arrival until the first provider was asked. */
  overhead(seconds: number): void;
  /** The metrics as Prometheus text. */
  render(): Promise<string>;
  readonly contentType: string;
};

/** What the gauges show when they are scraped. */
export type Readings = {
  readonly activeConnections: () => number;
  readonly journalPending: () => number;
  readonly journalLost: () => number;
  readonly circuits: () => ReadonlyMap<string, "closed" | "open" | "half-open">;
};

const CIRCUIT_VALUE = { closed: 0, "half-open": 1, open: 2 } as const;
/** Callers choose model names in zero-configuration mode; past this many they share one label. */
const MOST_MODELS = 1000;
const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];

export function createMetrics(readings: Readings): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const requests = createTally(registry, {
    name: "xjp_requests_total",
    help: "Requests answered, by HTTP status.",
    labelNames: ["tenant_id", "logical_model", "provider", "status"],
  });
  const duration = new Histogram({
    name: "xjp_request_duration_seconds",
    help: "Time from a request's arrival to the end of its answer.",
    labelNames: ["tenant_id", "logical_model", "provider"],
    buckets: SECONDS,
    registers,
  });
  const tokens = createTally(registry, {
    name: "xjp_tokens_total",
    help: "Tokens used, by type: input, output, cache_read, cache_write, reasoning (the last three are parts of the first two).",
    labelNames: ["tenant_id", "logical_model", "provider", "type"],
  });
  registry.registerMetric(
    new Gauge({
      name: "xjp_active_connections",
      help: "Requests being answered now.",
      registers: [],
      collect() {
        this.set(readings.activeConnections());
      },
    }),
  );
  const limitHits = createTally(registry, {
    name: "xjp_rate_limit_hits_total",
    help: "Requests refused by a limit.",
    labelNames: ["tenant_id", "limit"],
  });
  const authErrors = createTally(registry, {
    name: "xjp_auth_errors_total",
    help: "Requests without a valid key.",
    labelNames: ["reason"],
  });
  const firstToken = new Histogram({
    name: "xjp_time_to_first_token_seconds",
    help: "Time from a streamed request's arrival to its first token.",
    labelNames: ["logical_model", "provider"],
    buckets: SECONDS,
    registers,
  });
  const perToken = new Histogram({
    name: "xjp_time_per_output_token_seconds",
    help: "Time per output token after the first, streams only.",
    labelNames: ["logical_model", "provider"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
    registers,
  });
  const overhead = new Histogram({
    name: "xjp_gateway_overhead_seconds",
    help: "Time from a request's arrival to the first attempt at a provider.",
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1],
    registers,
  });
  const attempts = createTally(registry, {
    name: "xjp_upstream_attempts_total",
    help: "Attempts at providers, by outcome: ok or the kind of error.",
    labelNames: ["provider", "outcome"],
  });
  const malformed = createTally(registry, {
    name: "xjp_upstream_malformed_total",
    help: "Messages of providers' streams that could not be read and were left out.",
    labelNames: ["provider"],
  });
  registry.registerMetric(
    new Gauge({
      name: "xjp_circuit_state",
      help: "State of each target that failed lately: 0 closed, 1 half-open, 2 open.",
      labelNames: ["provider", "model"],
      registers: [],
      collect() {
        this.reset();
        for (const [target, state] of readings.circuits()) {
          const slash = target.indexOf("/");
          const labels = { provider: target.slice(0, slash), model: target.slice(slash + 1) };
          this.set(labels, CIRCUIT_VALUE[state]);
        }
      },
    }),
  );
  const bytes = createTally(registry, {
    name: "xjp_streaming_bytes_total",
    help: "Bytes of streamed answers sent to clients.",
  });
  const cost = createTally(registry, {
    name: "xjp_cost_usd_total",
    help: "What answers cost, in US dollars.",
    labelNames: ["tenant_id", "logical_model", "provider"],
  });
  registry.registerMetric(
    new Gauge({
      name: "xjp_usage_journal_pending",
      help: "Usage rows that are journalled but not yet in the database.",
      registers: [],
      collect() {
        this.set(readings.journalPending());
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: "xjp_usage_journal_lost",
      help: "Usage rows that could not be journalled since the start.",
      registers: [],
      collect() {
        this.set(readings.journalLost());
      },
    }),
  );

  const known = new Set<string>();
  const modelLabel = (model: string): string => {
    if (known.has(model)) return model;
    if (known.size >= MOST_MODELS) return "other";
    known.add(model);
    return model;
  };

  return {
    settled(row) {
      const labels = {
        tenant_id: row.tenantId,
        logical_model: modelLabel(row.logicalModel),
        provider: row.provider || "none",
      };
      const place = [labels.tenant_id, labels.logical_model, labels.provider] as const;
      requests.add(1, ...place, String(row.statusCode));
      duration.observe(labels, row.latencyMs / 1000);
      if (row.inputTokens > 0) tokens.add(row.inputTokens, ...place, "input");
      if (row.outputTokens > 0) tokens.add(row.outputTokens, ...place, "output");
      if (row.cacheReadTokens > 0) tokens.add(row.cacheReadTokens, ...place, "cache_read");
      if (row.cacheWriteTokens > 0) tokens.add(row.cacheWriteTokens, ...place, "cache_write");
      if (row.reasoningTokens > 0) tokens.add(row.reasoningTokens, ...place, "reasoning");
      if (row.costNanoUsd > 0) cost.add(row.costNanoUsd / 1e9, ...place);
      if (row.timeToFirstTokenMs !== null) {
        const target = { logical_model: labels.logical_model, provider: labels.provider };
        firstToken.observe(target, row.timeToFirstTokenMs / 1000);
        if (row.outputTokens > 1) {
          const rest = (row.latencyMs - row.timeToFirstTokenMs) / 1000;
          perToken.observe(target, rest / (row.outputTokens - 1));
        }
      }
    },
    refused(tenantId, status, seconds) {
      const labels = { tenant_id: tenantId, logical_model: "none", provider: "none" };
      requests.add(1, tenantId, "none", "none", String(status));
      duration.observe(labels, seconds);
    },
    attempted: (provider, outcome) => attempts.add(1, provider, outcome),
    malformed: (provider) => malformed.add(1, provider),
    limitHit: (tenantId, limit) => limitHits.add(1, tenantId, limit),
    authFailed: (reason) => authErrors.add(1, reason),
    streamed: (count) => bytes.add(count),
    overhead: (value) => overhead.observe(value),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
