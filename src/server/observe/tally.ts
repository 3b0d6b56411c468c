import { Counter, type Registry } from "prom-client";

/** A counter of the library's that costs a look-up per addition. */
export type Tally = {
  /** Adds `amount` (not negative) to the series of these label values, in the order of the names. */
  add(amount: number, ...values: readonly string[]): void;
};

/**
 * Registers a prom-client counter and gathers what is added until it is scraped: the library hashes the labels of every single
 * addition, which on the path of each request cost more than everything that is counted there.
 */
export function createTally(
  registry: Registry,
  description: {
    readonly name: string;
    readonly help: string;
    readonly labelNames?: readonly string[];
  },
): Tally {
  const { name, help, labelNames = [] } = description;
  const gathered = new Map<string, { readonly values: readonly string[]; amount: number }>();
  const counter = new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [],
    collect() {
      for (const series of gathered.values()) {
        if (series.amount === 0) continue;
        const labels = labelNames.map((label, index) => [label, series.values[index] ?? ""]);
        this.inc(Object.fromEntries(labels), series.amount);
        series.amount = 0;
      }
    },
  });
  registry.registerMetric(counter);
  return {
    add(amount, ...values) {
      const key = values.join("\0");
      const series = gathered.get(key);
      if (series) series.amount += amount;
      else gathered.set(key, { values, amount });
    },
  };
}
