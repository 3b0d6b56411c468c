/** One line of a metrics page. */
export type Sample = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads a page in Prometheus's text format; a line that is neither a comment nor a sample is an error. */
export function parseMetrics(page: string): readonly Sample[] {
  return page
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const match = LINE.exec(line);
      if (!match) throw new Error(`not a sample: ${line}`);
      const [, name = "", labels = "", value = ""] = match;
      return {
        name,
        labels: Object.fromEntries(
          Array.from(labels.matchAll(LABEL), ([, key = "", text = ""]) => [key, text]),
        ),
        value: Number(value),
      };
    });
}

/** The sum of the samples with this name whose labels include these. */
export function sumOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) =>
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    )
    .reduce((sum, sample) => sum + sample.value, 0);
}
