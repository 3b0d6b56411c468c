/**
 * Counters and histograms whose series are looked up once and then cost an addition: on the path of every request, hashing
 * labels anew for each metric costs more than everything else that is counted. Rendered as Prometheus text, version 0.0.4.
 */

/** Some metric's series of one set of labels. */
export type Count = {
  /** Adds `amount`, which must not be negative. */
  add(amount: number): void;
};

export type Samples = {
  observe(value: number): void;
};

type Description = {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly string[];
};

/** A metric: `at` gives the series of these label values, in the order of the names, making it when it is new. */
export type Metric<Series> = {
  at(...values: readonly string[]): Series;
  /** All series as text, with the metric's head, a line feed at the end of each line. */
  render(): string;
};

/** One without labels shows 0 from the start. */
export function createCounter(description: Description): Metric<Count> {
  return createMetric(description, "counter", (labels) => {
    let total = 0;
    return {
      add(amount: number) {
        total += amount;
      },
      render: () => `${description.name}${braced(labels)} ${total}\n`,
    };
  });
}

/** `buckets` are upper bounds, ascending; the infinite one is added. */
export function createHistogram(
  description: Description & { readonly buckets: readonly number[] },
): Metric<Samples> {
  const { name, buckets } = description;
  return createMetric(description, "histogram", (labels) => {
    const counts = buckets.map(() => 0);
    let sum = 0;
    let count = 0;
    return {
      observe(value: number) {
        const index = buckets.findIndex((bound) => value <= bound);
        const before = counts[index];
        if (before !== undefined) counts[index] = before + 1;
        sum += value;
        count += 1;
      },
      render() {
        const separator = labels === "" ? "" : ",";
        let text = "";
        let seen = 0;
        for (const [index, bound] of buckets.entries()) {
          seen += counts[index] ?? 0;
          text += `${name}_bucket{le="${bound}"${separator}${labels}} ${seen}\n`;
        }
        text += `${name}_bucket{le="+Inf"${separator}${labels}} ${count}\n`;
        return `${text}${name}_sum${braced(labels)} ${sum}\n${name}_count${braced(labels)} ${count}\n`;
      },
    };
  });
}

function createMetric<Series extends { render(): string }>(
  description: Description,
  type: "counter" | "histogram",
  begin: (labels: string) => Series,
): Metric<Series> {
  const { name, help, labelNames = [] } = description;
  const series = new Map<string, Series>();
  const at = (...values: readonly string[]): Series => {
    const labels = labelNames
      .map((label, index) => `${label}="${escape(values[index] ?? "")}"`)
      .join(",");
    const known = series.get(labels);
    if (known !== undefined) return known;
    const made = begin(labels);
    series.set(labels, made);
    return made;
  };
  if (labelNames.length === 0) at();
  return {
    at,
    render() {
      let text = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
      for (const one of series.values()) text += one.render();
      return text;
    },
  };
}

function braced(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}

function escape(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
