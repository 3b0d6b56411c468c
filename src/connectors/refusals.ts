import type { ChatError } from "./hub/error.ts";
import type { Asked } from "./hub/wire.ts";
import type { Line } from "./line.ts";

/** A host may have got by then what it refused. */
const REMEMBERED_MS = 60 * 60 * 1000;
/** Of one model; there are not more betas and fields than that. */
const MOST = 16;

/** What the models of a host have refused of requests like the next one, so that it need not be refused again. */
export type Refusals = {
  /** What is asked, in the form that avoids what this model is known to refuse. The same object where nothing is. */
  fit(line: Line, model: string, asked: Asked, drop: (field: string) => void): Asked;
  remember(model: string, error: ChatError): void;
};

/** `now` gives milliseconds from any point in time. */
export function createRefusals(now: () => number = () => performance.now()): Refusals {
  const known = new Map<string, { readonly error: ChatError; readonly until: number }[]>();
  return {
    fit(line, model, asked, drop) {
      if (known.size === 0) return asked;
      const time = now();
      let fitting = asked;
      for (const { error, until } of known.get(model) ?? []) {
        if (until > time) fitting = line.recast?.(fitting, error, drop) ?? fitting;
      }
      return fitting;
    },
    remember(model, error) {
      const time = now();
      const lasting = (known.get(model) ?? []).filter(({ until }) => until > time);
      lasting.push({ error, until: time + REMEMBERED_MS });
      known.set(model, lasting.slice(-MOST));
    },
  };
}
