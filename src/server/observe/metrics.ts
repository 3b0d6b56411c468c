import { Gauge, Registry } from "prom-client";
import {
  createSeriesTable,
  createSpreadTally,
  createTally,
  type Series,
  type Spread,
} from "./tally.ts";

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
  /** An attempt at a provider ended with `ok` or an error's kind; `timer` is the one that ran out, if one did. */
  attempted(provider: string, outcome: string, timer?: string): void;
  /** A message of a provider's stream could not be read and was left out. */
  malformed(provider: string): void;
  limitHit(tenantId: string, limit: string): void;
  /** A request with an Idempotency-Key was not run: it was given an earlier answer, one that it waited for, or none. */
  idempotent(tenantId: string, outcome: "replayed" | "joined" | "refused"): void;
  authFailed(
    reason: "missing" | "malformed" | "unknown" | "revoked" | "expired" | "unavailable",
  ): void;
  streamed(bytes: number): void;
  /** Seconds from a request's arrival until the first provider was asked. */
  overhead(seconds: number): void;
  /** The metrics as Prometheus text. */
  render(): Promise<string>;
  readonly contentType: string;
};

/** What the gauges show when they are scraped. */
export type Readings = {
  /** With how many others limits are counted together, and whether they cannot be heard of; undefined where nobody shares them. */
  readonly sharing: () => { readonly isAlone: boolean; readonly instances: number } | undefined;
  readonly activeConnections: () => number;
  readonly journalPending: () => number;
  readonly journalLost: () => number;
  readonly circuits: () => ReadonlyMap<string, "closed" | "open" | "half-open" | "cooling">;
  /** What is amiss, by the name of what it is about. */
  readonly faults?: () => Promise<Readonly<Record<string, string>>>;
};

const CIRCUIT_VALUE = { closed: 0, "half-open": 1, open: 2, cooling: 3 } as const;
/** Callers choose model names in zero-configuration mode; past this many they share one label. */
const MOST_MODELS = 1000;
const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];

/** Registers every metric; those with labels show from their first use on. */
export function createMetrics(readings: Readings): Metrics {
  const registry = new Registry();
  /** Shows what `read` gives at each scrape; nothing new where it gives nothing. */
  const gauge = (name: string, help: string, read: () => number | undefined): void =>
    registry.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          const value = read();
          if (value !== undefined) this.set(value);
        },
      }),
    );
  const requests = createTally(registry, {
    name: "xjp_requests_total",
    help: "Requests answered, by HTTP status.",
    labelNames: ["tenant_id", "logical_model", "provider", "status"],
  });
  const duration = createSpreadTally(registry, {
    name: "xjp_request_duration_seconds",
    help: "Time from a request's arrival to the end of its answer.",
    labelNames: ["tenant_id", "logical_model", "provider"],
    buckets: SECONDS,
  });
  const tokens = createTally(registry, {
    name: "xjp_tokens_total",
    help: "Tokens used, by type: input, output, cache_read, cache_write, reasoning (the last three are parts of the first two).",
    labelNames: ["tenant_id", "logical_model", "provider", "type"],
  });
  gauge("xjp_active_connections", "Requests being answered now.", readings.activeConnections);
  const limitHits = createTally(registry, {
    name: "xjp_rate_limit_hits_total",
    help: "Requests refused by a limit.",
    labelNames: ["tenant_id", "limit"],
  });
  const idempotent = createTally(registry, {
    name: "xjp_idempotent_requests_total",
    help: "Requests with an Idempotency-Key that were not run, by outcome: replayed, joined or refused.",
    labelNames: ["tenant_id", "outcome"],
  });
  gauge(
    "xjp_limits_alone",
    "1 while the counters that instances share cannot be reached and this one keeps to its part, else 0.",
    () => {
      const sharing = readings.sharing();
      return sharing && Number(sharing.isAlone);
    },
  );
  gauge(
    "xjp_limits_instances",
    "Gateways that share the counters of limits, this one included, when last heard of.",
    () => readings.sharing()?.instances,
  );
  const authErrors = createTally(registry, {
    name: "xjp_auth_errors_total",
    help: "Requests without a valid key.",
    labelNames: ["reason"],
  });
  const firstToken = createSpreadTally(registry, {
    name: "xjp_time_to_first_token_seconds",
    help: "Time from a streamed request's arrival to its first token.",
    labelNames: ["logical_model", "provider"],
    buckets: SECONDS,
  });
  const perToken = createSpreadTally(registry, {
    name: "xjp_time_per_output_token_seconds",
    help: "Time per output token after the first, streams only.",
    labelNames: ["logical_model", "provider"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  });
  const overhead = createSpreadTally(registry, {
    name: "xjp_gateway_overhead_seconds",
    help: "Time from a request's arrival to the first attempt at a provider.",
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1],
  });
  const attempts = createTally(registry, {
    name: "xjp_upstream_attempts_total",
    help: "Attempts at providers, by outcome: ok or the kind of error.",
    labelNames: ["provider", "outcome"],
  });
  const timeouts = createTally(registry, {
    name: "xjp_upstream_timeouts_total",
    help: "Attempts at providers that a timer ended: connect, headers, first-event, idle, total.",
    labelNames: ["provider", "timer"],
  });
  const malformed = createTally(registry, {
    name: "xjp_upstream_malformed_total",
    help: "Messages of providers' streams that could not be read and were left out.",
    labelNames: ["provider"],
  });
  registry.registerMetric(
    new Gauge({
      name: "xjp_circuit_state",
      help: "State of each target that failed lately: 0 closed, 1 half-open, 2 open, 3 resting after 429.",
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
  gauge(
    "xjp_usage_journal_pending",
    "Usage rows that are journalled but not yet in the database.",
    readings.journalPending,
  );
  gauge(
    "xjp_usage_journal_lost",
    "Usage rows that neither the disk nor the database took since the start.",
    readings.journalLost,
  );

  registry.registerMetric(
    new Gauge({
      name: "xjp_degraded",
      help: "1 for everything that is amiss now; /readyz says what.",
      labelNames: ["fault"],
      registers: [],
      async collect() {
        const faults = Object.keys((await readings.faults?.()) ?? {});
        this.reset();
        for (const fault of faults) this.set({ fault }, 1);
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
  const waited = overhead.series();

  /** Every series that a request of one tenant for one model at one provider counts in, each from its first use on. */
  const createPlace = (tenant: string, model: string, provider: string) => {
    const kept = new Map<number | string, Series>();
    let first: { readonly token: Spread; readonly perToken: Spread } | undefined;
    const count = (type: string, amount: number): void => {
      if (amount <= 0) return;
      let series = kept.get(type);
      if (!series) kept.set(type, (series = tokens.series(tenant, model, provider, type)));
      series.amount += amount;
    };
    return {
      duration: duration.series(tenant, model, provider),
      get first() {
        first ??= {
          token: firstToken.series(model, provider),
          perToken: perToken.series(model, provider),
        };
        return first;
      },
      answered(status: number): void {
        let series = kept.get(status);
        if (!series)
          kept.set(status, (series = requests.series(tenant, model, provider, String(status))));
        series.amount += 1;
      },
      count,
      spent(usd: number): void {
        let series = kept.get("cost");
        if (!series) kept.set("cost", (series = cost.series(tenant, model, provider)));
        series.amount += usd;
      },
    };
  };
  const places = createSeriesTable(([tenant = "", model = "", provider = ""]) =>
    createPlace(tenant, model, provider),
  );
  const sent = bytes.series();

  return {
    settled(row) {
      const place = places.get([
        row.tenantId,
        modelLabel(row.logicalModel),
        row.provider || "none",
      ]);
      place.answered(row.statusCode);
      place.duration.observe(row.latencyMs / 1000);
      place.count("input", row.inputTokens);
      place.count("output", row.outputTokens);
      place.count("cache_read", row.cacheReadTokens);
      place.count("cache_write", row.cacheWriteTokens);
      place.count("reasoning", row.reasoningTokens);
      if (row.costNanoUsd > 0) place.spent(row.costNanoUsd / 1e9);
      if (row.timeToFirstTokenMs !== null) {
        place.first.token.observe(row.timeToFirstTokenMs / 1000);
        if (row.outputTokens > 1) {
          const rest = (row.latencyMs - row.timeToFirstTokenMs) / 1000;
          place.first.perToken.observe(rest / (row.outputTokens - 1));
        }
      }
    },
    refused(tenantId, status, seconds) {
      const place = places.get([tenantId, "none", "none"]);
      place.answered(status);
      place.duration.observe(seconds);
    },
    attempted(provider, outcome, timer) {
      attempts.add(1, provider, outcome);
      if (timer !== undefined) timeouts.add(1, provider, timer);
    },
    malformed: (provider) => malformed.add(1, provider),
    idempotent: (tenantId, outcome) => idempotent.add(1, tenantId, outcome),
    limitHit: (tenantId, limit) => limitHits.add(1, tenantId, limit),
    authFailed: (reason) => authErrors.add(1, reason),
    streamed(count) {
      sent.amount += count;
    },
    overhead: (value) => waited.observe(value),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
