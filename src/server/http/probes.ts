import type { CircuitState } from "../gateway/breaker.ts";

/** What the probes report of the process. */
export type Probed = {
  readonly version: string;
  readonly draining: () => boolean;
  /** What is amiss, by the name of what it is about. */
  readonly faults: () => Promise<Readonly<Record<string, string>>>;
  readonly circuits: () => ReadonlyMap<string, CircuitState>;
  readonly warnings: readonly string[];
};

/** `GET /healthz`: the process is alive. */
export function healthz(probed: Probed): Response {
  return Response.json({ status: "ok", version: probed.version });
}

/**
 * `GET /readyz`: 200 when requests are welcome, also when something is amiss (`degraded`, and `faults` says what), 503 while
 * draining.
 */
export async function readyz(probed: Probed): Promise<Response> {
  const faults = await probed.faults();
  const circuits = Object.fromEntries(probed.circuits());
  const draining = probed.draining();
  const degraded = Object.keys(faults).length > 0 || Object.values(circuits).includes("open");
  return Response.json(
    {
      status: draining ? "draining" : degraded ? "degraded" : "ready",
      store: faults["store"] ?? "ok",
      faults,
      circuits,
      warnings: probed.warnings,
    },
    { status: draining ? 503 : 200 },
  );
}
