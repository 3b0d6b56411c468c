import { ChatError } from "../../../connectors/hub/error.ts";
import type { Gauge } from "./gauge.ts";
import type { Rule } from "./rule.ts";

/** What a client is told of the rule that refused its request. `waitMs` until it lets the request pass. */
export function refusalOf(gauge: Gauge, amount: number, waitMs: number): ChatError {
  const { rule } = gauge;
  if (rule.measure === "money" && !gauge.isHeld(amount)) {
    return new ChatError("quota-exceeded", messageOf(rule, amount, waitMs), {
      code: "insufficient_quota",
    });
  }
  if (rule.measure === "money") {
    const message = `${whose(rule)} budget of ${usd(rule.limit)} ${span(rule)} is reserved by requests in flight; try again when they have ended`;
    return new ChatError("rate-limited", message, {
      code: "budget_reserved",
      retryAfterMs: RESERVED_MS,
    });
  }
  return new ChatError("rate-limited", messageOf(rule, amount, waitMs), {
    code: "rate_limit_exceeded",
    retryAfterMs: Math.ceil(waitMs),
  });
}

/** The name of a rule in metrics. */
export function labelOf(rule: Rule): string {
  return rule.scope === "key" ? rule.name : `${rule.scope}_${rule.name}`;
}

const RESERVED_MS = 1000;

function messageOf(rule: Rule, amount: number, waitMs: number): string {
  const { limit, capacity } = rule;
  const most = (what: string): string =>
    `${whose(rule)} limit of ${limit} ${what}${limit === 1 ? "" : "s"}`;
  const model = rule.scope === "model" ? ` for the model ${rule.subject}` : "";
  switch (rule.name) {
    case "concurrency":
      return `${most("request")} in flight${model} is reached`;
    case "rpm": {
      const burst = capacity < limit ? ` (${capacity} at once)` : "";
      return `${most("request")} a minute${burst}${model} is used up; try again in ${seconds(waitMs)}`;
    }
    case "rpd":
      return `${most("request")} a day${model} is used up; ${midnight}`;
    case "tpm":
      return `${most("token")} a minute${model} leaves too little for this request; try again in ${seconds(waitMs)}`;
    case "tokens_per_day":
      return `${most("token")} a day${model} leaves too little for this request, which may take ${amount}; ${midnight}`;
    case "budget_per_day":
    case "budget": {
      const need = amount > 0 ? `; this request may cost ${usd(amount)}` : "";
      return `${whose(rule)} budget of ${usd(limit)} ${span(rule)}${model} is spent, or what is left of it is too little${need}`;
    }
  }
}

const midnight = "it starts again at midnight UTC";

function whose({ scope }: Rule): string {
  return scope === "tenant" ? "this tenant's" : "this key's";
}

function span({ period }: Rule): string {
  return period === "day" ? "for the day" : "for the month";
}

/** Whole billionths of a dollar, as dollars and never with an exponent. */
function usd(nano: number): string {
  return `$${(nano / 1e9).toFixed(9).replace(/\.?0+$/, "")}`;
}

function seconds(ms: number): string {
  return `${Math.max(1, Math.ceil(ms / 1000))} s`;
}
