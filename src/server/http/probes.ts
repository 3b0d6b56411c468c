import type { CircuitState } from "../gateway/breaker.ts";

/** What the probes report of the process. */
export type Health = {
  readonly version: string;
  readonly draining: () => boolean;
  /** Undefined when storage answers, else what is wrong with it. */
  readonly storeFault: () => Promise<string | undefined>;
  readonly circuits: () => ReadonlyMap<string, CircuitState>;
  readonly warnings: readonly string[];
};

/** `GET /healthz`: the process is alive. */
export function healthz(health: Health): Response {
  return Response.json({ status: "ok", version: health.version });
}

/**
 * `GET /readyz`: 200 when requests are welcome, also when something is amiss (`degraded`, with the reason), 503 while draining.
 */
export async function readyz(health: Health): Promise<Response> {
  const fault = await health.storeFault();
  const circuits = Object.fromEntries(health.circuits());
  const draining = health.draining();
  const degraded = fault !== undefined || Object.values(circuits).includes("open");
  return Response.json(
    {
      status: draining ? "draining" : degraded ? "degraded" : "ready",
      store: fault ?? "ok",
      circuits,
      warnings: health.warnings,
    },
    { status: draining ? 503 : 200 },
  );
}
