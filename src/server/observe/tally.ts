/**
 * Counters and histograms of the library's that cost an addition. prom-client hashes the labels of every single observation,
 * which on the path of each request cost more than everything that is counted there; here a series is looked up once and
 * kept, and the library sees the sums when it is scraped.
 */
import { Counter, Histogram, type Registry } from "prom-client";

type Description = {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
};

/** One series of a counter: add to it what is not negative. */
export type Series = { amount: number };

export type Tally = {
  /** The series of these label values, in the order of the names. The same object every time. */
  series(...values: readonly string[]): Series;
  /** Adds to it. */
  add(amount: number, ...values: readonly string[]): void;
};

/** A counter of `registry`, kept in this way. */
export function createTally(registry: Registry, description: Description): Tally {
  const { name, help, labelNames = [] } = description;
  const all = createSeriesTable((values) => ({ labels: labelled(labelNames, values), amount: 0 }));
  const counter = new Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [],
    collect() {
      for (const series of all.values()) {
        if (series.amount === 0) continue;
        this.inc(series.labels, series.amount);
        series.amount = 0;
      }
    },
  });
  registry.registerMetric(counter);
  return {
    series: (...values) => all.get(values),
    add(amount, ...values) {
      all.get(values).amount += amount;
    },
  };
}

/** One series of a histogram. */
export type Spread = { observe(value: number): void };

export type SpreadTally = {
  /** The series of these label values, in the order of the names. The same object every time. */
  series(...values: readonly string[]): Spread;
};

/** `buckets` are upper bounds, rising. */
export function createSpreadTally(
  registry: Registry,
  description: Description & { readonly buckets: readonly number[] },
): SpreadTally {
  const { name, help, labelNames = [], buckets } = description;
  const all = createSeriesTable((values) => {
    // One more for what is above all bounds.
    const counts = new Float64Array(buckets.length + 1);
    let sum = 0;
    return {
      labels: labelled(labelNames, values),
      counts,
      get sum() {
        return sum;
      },
      observe(value: number) {
        let index = 0;
        while (value > (buckets[index] ?? Number.POSITIVE_INFINITY)) index += 1;
        counts[index] = (counts[index] ?? 0) + 1;
        sum += value;
      },
    };
  });
  const histogram = new Histogram({ name, help, labelNames: [...labelNames], registers: [] });
  const read = () => {
    const values = [];
    for (const { labels, counts, sum } of all.values()) {
      let below = 0;
      for (const [index, count] of counts.entries()) {
        below += count;
        const le = buckets[index] ?? "+Inf";
        values.push({ metricName: `${name}_bucket`, labels: { le, ...labels }, value: below });
      }
      values.push({ metricName: `${name}_sum`, labels, value: sum });
      values.push({ metricName: `${name}_count`, labels, value: below });
    }
    return Promise.resolve({ name, help, type: "histogram", aggregator: "sum", values });
  };
  // What the registry calls when it is scraped.
  registry.registerMetric(Object.assign(histogram, { get: read, getForPromString: read }));
  if (labelNames.length === 0) all.get([]);
  return { series: (...values) => all.get(values) };
}

type Branch<Value> = { value: Value | undefined; readonly branches: Map<string, Branch<Value>> };

/**
 * Remembers what `make` made of several texts. A tree, since putting texts together to look them up costs more than looking each
 * of them up.
 */
export function createSeriesTable<Value>(make: (values: readonly string[]) => Value): {
  get(values: readonly string[]): Value;
  values(): Iterable<Value>;
} {
  const root: Branch<Value> = { value: undefined, branches: new Map() };
  const all: Value[] = [];
  return {
    get(values) {
      let branch = root;
      for (const text of values) {
        let next = branch.branches.get(text);
        if (!next) branch.branches.set(text, (next = { value: undefined, branches: new Map() }));
        branch = next;
      }
      if (branch.value === undefined) all.push((branch.value = make([...values])));
      return branch.value;
    },
    values: () => all,
  };
}

function labelled(
  names: readonly string[],
  values: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? ""]));
}
