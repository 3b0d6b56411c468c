import type { JsonObject } from "../../hub/json.ts";
import { sampleOf } from "./pattern.ts";

const MOST_REPEATS = 64;

const FORMATS: Readonly<Record<string, string>> = {
  date: "2026-01-02",
  "date-time": "2026-01-02T03:04:05Z",
  time: "03:04:05Z",
  duration: "PT1H",
  email: "reader@example.com",
  hostname: "example.com",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  uri: "https://example.com/",
  "uri-reference": "/",
  url: "https://example.com/",
  uuid: "018f0000-0000-7000-8000-000000000000",
};

/** A keyword's number; `otherwise` when it is absent or no number. */
export function bound(schema: JsonObject, keyword: string, otherwise: number): number {
  const value = schema[keyword];
  return typeof value === "number" ? value : otherwise;
}

/** A number within the bounds; `variant` gives another one where there is room. */
export function createNumber(schema: JsonObject, integer: boolean, variant: number): number {
  const low = bound(schema, "minimum", -Infinity);
  const above = bound(schema, "exclusiveMinimum", -Infinity);
  const high = bound(schema, "maximum", Infinity);
  const below = bound(schema, "exclusiveMaximum", Infinity);
  const least = Math.max(low, above);
  const most = Math.min(high, below);
  const fits = (value: number): boolean =>
    value >= low && value > above && value <= high && value < below;

  const step = bound(schema, "multipleOf", integer ? 1 : 0);
  if (step > 0) {
    const unit = integer && !Number.isInteger(step) ? Math.max(1, Math.ceil(step)) : step;
    const start = Number.isFinite(least) ? least : Math.min(1, most - unit);
    const first = Math.ceil(start / unit);
    const choices = [first + variant, first + variant + 1, first, first + 1];
    return choices.map((count) => count * unit).find(fits) ?? first * unit;
  }
  const middle = Number.isFinite(least) && Number.isFinite(most) ? (least + most) / 2 : 1;
  const choices = [1 + variant, least + 1 + variant, most - 1 - variant, least, most];
  return choices.find(fits) ?? middle;
}

/** A string for the schema, made of `word` where the schema leaves it free; undefined when no string is found. */
export function createText(schema: JsonObject, word: string, variant: number): string | undefined {
  const least = bound(schema, "minLength", 0);
  const most = bound(schema, "maxLength", Infinity);
  const { pattern, format } = schema;
  if (typeof pattern === "string") {
    for (let repeats = variant; repeats <= variant + MOST_REPEATS; repeats++) {
      const sample = sampleOf(pattern, repeats);
      const length = Array.from(sample ?? "").length;
      if (sample !== undefined && length >= least && length <= most) return sample;
    }
    return undefined;
  }
  const known = typeof format === "string" ? FORMATS[format] : undefined;
  if (known !== undefined) return known;
  const characters = Array.from(word === "" ? "-" : word);
  while (characters.length < least) characters.push(...characters);
  const length = Math.max(least, Math.min(Array.from(word).length, most));
  return characters.slice(0, length).join("");
}
