/** Streams that break and are recovered: by the header, at both doors, and by what the configuration says of a model. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { DOORS } from "./_doors.ts";
import { type Act, answers, says, type StreamFault, TEXT, WORDS } from "./_provider.ts";
import { PATIENT } from "../support/config-text.ts";
import { billed, type FaultRig, QUICK, startFaultRig } from "./_rig.ts";

const OTHER = WORDS.map((word) => `other-${word}`);
/** As providers say it that take no beginning of an answer. */
const refusesPrefill: Act = (line, call) =>
  call.prefill === ""
    ? answers()(line, call)
    : says(400, {}, { message: "the last message must be the user's" })(line, call);

let rig: FaultRig;

beforeAll(async () => {
  const goesOn = "capabilities = { prefill = true }";
  rig = await startFaultRig(
    {
      pair: {},
      able: { routes: ["", goesOn] },
      both: { routes: [goesOn, goesOn] },
      buffered: { fields: 'recovery = "buffer"' },
    },
    `${QUICK}\n${PATIENT}\n[server]\nkeep_alive_ms = 100`,
  );
});

afterAll(async () => {
  await rig.stop();
});

describe.each(DOORS.map((door) => [door.name, door] as const))("%s", (_name, door) => {
  const ask = (model: string, recovery: string) =>
    rig.ask(model, { door, stream: true, headers: { "x-xjp-recovery": recovery } });

  test.each([["cut"], ["end"], ["error"], ["stall"]] satisfies readonly [StreamFault["how"]][])(
    "buffer: a stream that fails after 40 of 60 words (%s) is tried again unseen, and both are billed",
    async (how) => {
      rig.one.acts("pair", answers({ fault: { after: 40, how } }));
      rig.two.acts("pair", answers({ words: OTHER }));
      const got = await ask("pair", "buffer");
      expect(got).toMatchObject({ status: 200, text: OTHER.join(""), goodEnds: 1, errors: [] });
      // One that was reached and stalled is not asked again.
      expect([got.one.length, got.two.length]).toEqual([how === "stall" ? 1 : 3, 1]);
      const known = billed(...got.two);
      expect(got.row).toMatchObject({ status: "ok", provider: "two", estimated: 1 });
      const more = Number(got.row["output_tokens"]) - Number(known["output_tokens"]);
      expect(more).toBeGreaterThanOrEqual(30 * got.one.length);
      expect(Number(got.row["cost_nano_usd"])).toBeGreaterThan(Number(known["cost_nano_usd"]));
    },
  );

  test("buffer: a good stream is shown whole, once", async () => {
    rig.one.acts("pair", answers());
    const got = await ask("pair", "buffer");
    expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1, errors: [] });
    expect(got.row).toMatchObject({ status: "ok", attempts: 1, ...billed(...got.one) });
  });

  test("buffer: the client is kept waiting with signs of life, and then has all at once", async () => {
    rig.one.acts("pair", answers({ paceMs: 10 }));
    const got = await ask("pair", "buffer");
    expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1, errors: [] });
    const sign = door.path.includes("messages") ? "event: ping" : ": ";
    const before = got.bytes.slice(0, got.bytes.indexOf("w0"));
    expect(before.split(sign).length).toBeGreaterThan(3);
    expect(got.bytes.slice(before.length)).not.toContain(`\n\n${sign}`);
  });

  test("buffer: when everybody fails, the client sees an error and no word", async () => {
    const fault = { after: 40, how: "cut" } as const;
    rig.one.acts("pair", answers({ fault }));
    rig.two.acts("pair", answers({ fault }));
    const got = await ask("pair", "buffer");
    expect(got).toMatchObject({ text: "", goodEnds: 0 });
    expect(got.errors).toHaveLength(1);
    expect(got.row).toMatchObject({ status: "failed", attempts: 6, estimated: 1 });
    expect(Number(got.row["cost_nano_usd"])).toBeGreaterThan(0);
  });

  test.each([["cut"], ["end"], ["error"], ["stall"]] satisfies readonly [StreamFault["how"]][])(
    "continue: a stream that fails after 40 of 60 words (%s) is gone on with where it broke off",
    async (how) => {
      rig.one.acts("able", answers({ fault: { after: 40, how } }));
      rig.two.acts("able", answers());
      const got = await ask("able", "continue");
      expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1, errors: [] });
      expect([got.one.length, got.two.length]).toEqual([1, 1]);
      expect(got.two[0]?.prefill).toBe(WORDS.slice(0, 40).join("").trimEnd());
      expect(got.two[0]?.words).toBe(20);
      expect(got.row).toMatchObject({ status: "ok", provider: "two", attempts: 2, estimated: 1 });
      expect(got.outputTokens).toBe(Number(got.row["output_tokens"]));
      expect(Number(got.row["output_tokens"])).toBeGreaterThanOrEqual(50);
    },
  );

  test("continue: may break as often as the budget allows", async () => {
    const cutAfterTen = answers({ fault: { after: 10, how: "cut" } });
    rig.one.acts("both", cutAfterTen, cutAfterTen);
    rig.two.acts("both", cutAfterTen, answers());
    const got = await ask("both", "continue");
    expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1, errors: [] });
    const words = [...got.one, ...got.two].map((call) => call.words);
    expect(words.reduce((sum, each) => sum + each, 0)).toBe(60);
    expect(words.filter((each) => each === 10)).toHaveLength(3);
    expect(got.row).toMatchObject({ status: "ok", attempts: 4 });
  });

  test("continue: where the fallback refuses the beginning, it is asked anew and the rest is sent", async () => {
    rig.one.acts("able", answers({ fault: { after: 40, how: "cut" } }));
    rig.two.acts("able", refusesPrefill);
    const got = await ask("able", "continue");
    expect(got).toMatchObject({ status: 200, text: TEXT, goodEnds: 1, errors: [] });
    expect([got.one.length, got.two.length]).toEqual([1, 2]);
    expect(got.two.map(({ words }) => words)).toEqual([0, 60]);
    expect(got.row).toMatchObject({ status: "ok", provider: "two", attempts: 3 });
    expect(Number(got.row["output_tokens"])).toBeGreaterThanOrEqual(90);
  });

  test("continue: an answer that is another one is not joined to what was sent", async () => {
    rig.one.acts("able", answers({ fault: { after: 40, how: "cut" } }));
    rig.two.acts("able", says(400), answers({ words: OTHER }));
    const got = await ask("able", "continue");
    expect(got).toMatchObject({ status: 200, goodEnds: 0, text: WORDS.slice(0, 40).join("") });
    expect(got.errors).toHaveLength(1);
    // Nor is that of the one that broke, which is asked anew last.
    expect([got.one.length, got.two.length]).toEqual([4, 2]);
    expect(got.row).toMatchObject({ status: "cut", attempts: 6, estimated: 1 });
  });

  test("continue: is buffered where nobody could go on", async () => {
    rig.one.acts("pair", answers({ fault: { after: 40, how: "stall" } }));
    rig.two.acts("pair", answers({ words: OTHER }));
    const got = await ask("pair", "continue");
    expect(got).toMatchObject({ status: 200, text: OTHER.join(""), goodEnds: 1, errors: [] });
  });

  test("a model may be buffered by configuration, and the header has the last word", async () => {
    rig.one.acts("buffered", answers({ fault: { after: 40, how: "stall" } }));
    rig.two.acts("buffered", answers());
    const buffered = await rig.ask("buffered", { door, stream: true });
    expect(buffered).toMatchObject({ text: TEXT, goodEnds: 1, errors: [] });
    const plain = await ask("buffered", "error");
    expect([plain.goodEnds, plain.errors.length]).toEqual([0, 1]);
  });
});

test("an unknown way of recovery is refused before anybody is asked", async () => {
  rig.one.acts("pair", answers());
  const response = await fetch(`${rig.gateway.url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${rig.key}`, "x-xjp-recovery": "retry" },
    body: JSON.stringify({ model: "pair", messages: [{ role: "user", content: "x" }] }),
  });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain("error, buffer or continue");
  expect(rig.one.log("pair")).toHaveLength(0);
});
