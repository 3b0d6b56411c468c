import type { Dialect } from "../../connectors/hub/request.ts";
import type { LimitState, LimitWindow } from "../gateway/limits.ts";

type Names = { readonly limit: string; readonly remaining: string; readonly reset: string };

/** How one dialect's clients are told of their limits. */
type Style = {
  readonly requests: Names;
  readonly tokens: Names;
  /** `at` is Unix milliseconds, the moment from which the window counts. */
  readonly reset: (window: LimitWindow, at: number) => string;
};

/** https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers */
const OPENAI: Style = {
  requests: {
    limit: "x-ratelimit-limit-requests",
    remaining: "x-ratelimit-remaining-requests",
    reset: "x-ratelimit-reset-requests",
  },
  tokens: {
    limit: "x-ratelimit-limit-tokens",
    remaining: "x-ratelimit-remaining-tokens",
    reset: "x-ratelimit-reset-tokens",
  },
  reset: ({ resetMs }) => duration(resetMs),
};

/** https://docs.anthropic.com/en/api/rate-limits#response-headers */
const ANTHROPIC: Style = {
  requests: {
    limit: "anthropic-ratelimit-requests-limit",
    remaining: "anthropic-ratelimit-requests-remaining",
    reset: "anthropic-ratelimit-requests-reset",
  },
  tokens: {
    limit: "anthropic-ratelimit-tokens-limit",
    remaining: "anthropic-ratelimit-tokens-remaining",
    reset: "anthropic-ratelimit-tokens-reset",
  },
  reset: ({ resetMs }, at) => new Date(at + resetMs).toISOString(),
};

/** Adds what is left of the caller's limits, in the words of its dialect. */
export function addLimitHeaders(
  headers: Record<string, string>,
  dialect: Dialect,
  limits: LimitState | undefined,
  at: number,
): void {
  if (!limits) return;
  const style = dialect === "anthropic-messages" ? ANTHROPIC : OPENAI;
  add(headers, style, style.requests, limits.requests, at);
  add(headers, style, style.tokens, limits.tokens, at);
  if (limits.refusedUntil !== undefined) {
    headers["x-ratelimit-reset"] = String(Math.ceil(limits.refusedUntil / 1000));
  }
}

function add(
  headers: Record<string, string>,
  style: Style,
  names: Names,
  window: LimitWindow | undefined,
  at: number,
): void {
  if (!window) return;
  headers[names.limit] = String(window.limit);
  headers[names.remaining] = String(window.remaining);
  headers[names.reset] = style.reset(window, at);
}

/** OpenAI's way to write a time span, which is that of Go: `13h0m5s`, `6m0s`, `1s`, `20ms`. */
function duration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const total = Math.ceil(ms / 1000);
  const seconds = `${total % 60}s`;
  if (total < 60) return seconds;
  const minutes = Math.floor(total / 60);
  if (minutes < 60) return `${minutes}m${seconds}`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}
