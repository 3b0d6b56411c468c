import { describe, expect, test } from "bun:test";
import { createCounter, createHistogram } from "../../../src/server/observe/series.ts";

describe("counter", () => {
  test("adds up each set of labels by itself", () => {
    const counter = createCounter({ name: "n", help: "What it is.", labelNames: ["a", "b"] });
    const one = counter.at("x", "y");
    one.add(1);
    one.add(2.5);
    counter.at("x", "y").add(1);
    counter.at("x", "z").add(7);
    expect(counter.render()).toBe(
      '# HELP n What it is.\n# TYPE n counter\nn{a="x",b="y"} 4.5\nn{a="x",b="z"} 7\n',
    );
  });

  test("without labels shows 0 from the start", () => {
    expect(createCounter({ name: "n", help: "h" }).render()).toEndWith("\nn 0\n");
  });

  test("escapes what callers may put into a label", () => {
    const counter = createCounter({ name: "n", help: "h", labelNames: ["a"] });
    counter.at('q"\\\n,b="').add(1);
    expect(counter.render()).toEndWith('\nn{a="q\\"\\\\\\n,b=\\""} 1\n');
  });
});

describe("histogram", () => {
  test("counts a value in every bucket that holds it, bounds included", () => {
    const histogram = createHistogram({ name: "h", help: "t", labelNames: ["a"], buckets: [1, 2] });
    for (const value of [0.5, 1, 1.5, 9]) histogram.at("x").observe(value);
    expect(histogram.render()).toBe(
      [
        "# HELP h t",
        "# TYPE h histogram",
        'h_bucket{le="1",a="x"} 2',
        'h_bucket{le="2",a="x"} 3',
        'h_bucket{le="+Inf",a="x"} 4',
        'h_sum{a="x"} 12',
        'h_count{a="x"} 4',
        "",
      ].join("\n"),
    );
  });

  test("without labels has only the bucket's own", () => {
    const histogram = createHistogram({ name: "h", help: "t", buckets: [1] });
    expect(histogram.render()).toContain('h_bucket{le="1"} 0\nh_bucket{le="+Inf"} 0\nh_sum 0\n');
  });
});
