/** A span of time, Unix milliseconds: `since` within, `until` without. */
export type Span = { readonly since: number; readonly until: number };

const DAY_MS = 86_400_000;

/** The whole UTC days of a span, and what is left of it at both ends. */
export function splitByDay(
  since: number,
  until: number,
): { readonly days?: Span; readonly edges: readonly Span[] } {
  if (!(until > since)) return { edges: [] };
  const first = Math.ceil(since / DAY_MS) * DAY_MS;
  const last = Number.isFinite(until) ? Math.floor(until / DAY_MS) * DAY_MS : until;
  if (last <= first) return { edges: [{ since, until }] };
  const edges = [
    { since, until: first },
    { since: last, until },
  ].filter((edge) => edge.until > edge.since);
  return { days: { since: first, until: last }, edges };
}
