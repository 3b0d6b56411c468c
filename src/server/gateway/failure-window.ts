/** The window moves on in this many steps. */
const BUCKETS = 10;

/** Counts requests and failures of the last while; times are milliseconds from any fixed point. */
export type FailureWindow = {
  count(failed: boolean, now: number, windowMs: number): void;
  recent(now: number, windowMs: number): { readonly requests: number; readonly failures: number };
  clear(): void;
};

type Bucket = { since: number; requests: number; failures: number };

/** A window in which nothing has been counted yet. */
export function createWindow(): FailureWindow {
  const buckets: Bucket[] = [];
  return {
    count(failed, now, windowMs) {
      let bucket = buckets.at(-1);
      if (!bucket || now - bucket.since >= windowMs / BUCKETS) {
        bucket = { since: now, requests: 0, failures: 0 };
        buckets.push(bucket);
      }
      bucket.requests += 1;
      if (failed) bucket.failures += 1;
    },
    recent(now, windowMs) {
      while ((buckets[0]?.since ?? now) <= now - windowMs) buckets.shift();
      let requests = 0;
      let failures = 0;
      for (const bucket of buckets) {
        requests += bucket.requests;
        failures += bucket.failures;
      }
      return { requests, failures };
    },
    clear() {
      buckets.length = 0;
    },
  };
}
