import { expect, test } from "bun:test";

import { ChatError } from "../../src/connectors/hub/error.ts";
import type { Line } from "../../src/connectors/line.ts";
import { createRefusals } from "../../src/connectors/refusals.ts";
import { anthropicLine } from "../../src/connectors/anthropic-line.ts";
import { chatRequest } from "../contract/calling.ts";

const LINE: Line = anthropicLine({}, "/messages");
const REFUSED = new ChatError(
  "invalid-request",
  "Unexpected value(s) `a-1` for the `anthropic-beta` header.",
  { upstreamStatus: 400 },
);

test("what one model refused is known of it alone, for an hour", () => {
  let now = 0;
  const refusals = createRefusals(() => now);
  const asked = { request: chatRequest(), headers: new Headers({ "anthropic-beta": "a-1,b-2" }) };
  const betas = (model: string): string | null =>
    refusals.fit(LINE, model, asked, () => undefined).headers.get("anthropic-beta");
  expect(refusals.fit(LINE, "one", asked, () => undefined)).toBe(asked);
  refusals.remember("one", REFUSED);
  expect(betas("one")).toBe("b-2");
  expect(betas("other")).toBe("a-1,b-2");
  now += 60 * 60 * 1000;
  expect(betas("one")).toBe("a-1,b-2");
});
