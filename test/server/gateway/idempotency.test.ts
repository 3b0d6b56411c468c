import { afterEach, describe, expect, test } from "bun:test";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import {
  createIdempotency,
  type Entry,
  type Idempotency,
} from "../../../src/server/gateway/idempotency.ts";
import { createMemoryAnswers } from "../../support/memory-answers.ts";
import { errorOf } from "../../support/rejection.ts";
import { fixedClock } from "./_setup.ts";

const ANSWER = { headers: { "content-type": "application/json" }, body: '{"text":"Hello."}' };
const opened: Idempotency[] = [];

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

/** Two instances that keep their answers in one place. */
function setup(limits: { maxAnswerBytes?: number } = {}) {
  const clock = fixedClock();
  const answers = createMemoryAnswers();
  const changes: boolean[] = [];
  const instance = (holder: string): Idempotency => {
    const made = createIdempotency({
      answers,
      config: () => ({
        keepMs: 86_400_000,
        maxAnswerBytes: limits.maxAnswerBytes ?? 1000,
        maxTotalBytes: 10_000,
      }),
      holder,
      clock,
      onChange: (away) => changes.push(away),
    });
    opened.push(made);
    return made;
  };
  return { clock, answers, changes, one: instance("one"), two: instance("two") };
}

async function run(entering: Promise<Entry>) {
  const entry = await entering;
  if (entry.state !== "run") throw new Error("it was answered without running");
  return entry;
}

async function statusOfAnother(at: Idempotency): Promise<number> {
  return (await errorOf(at.enter("acme", "key", "other"))).traits.status;
}

/** Lets what was begun without waiting come to its end. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

describe("a repeated request", () => {
  test("is given the answer of the first, on every instance", async () => {
    const { one, two } = setup();
    (await run(one.enter("acme", "key", "print"))).end(ANSWER);
    await settle();
    const replay: Entry = { state: "replay", answer: ANSWER, joined: false };
    expect(await one.enter("acme", "key", "print")).toEqual(replay);
    expect(await two.enter("acme", "key", "print")).toEqual(replay);
  });

  test("waits for the first while that runs here", async () => {
    const { one } = setup();
    const first = await run(one.enter("acme", "key", "print"));
    const waiting = [one.enter("acme", "key", "print"), one.enter("acme", "key", "print")];
    first.end(ANSWER);
    const replay: Entry = { state: "replay", answer: ANSWER, joined: true };
    expect(await Promise.all(waiting)).toEqual([replay, replay]);
  });

  test("is told to come again while the first runs elsewhere", async () => {
    const { one, two } = setup();
    const first = await run(one.enter("acme", "key", "print"));
    const error = await errorOf(two.enter("acme", "key", "print"));
    expect([error.traits.status, error.code, error.retryAfterMs]).toEqual([
      409,
      "idempotency_key_in_use",
      1000,
    ]);
    first.end(ANSWER);
    await settle();
    expect((await two.enter("acme", "key", "print")).state).toBe("replay");
  });

  test("shares the failure of the one that it waited for, and the next one runs", async () => {
    const { one } = setup();
    const first = await run(one.enter("acme", "key", "print"));
    const waiting = errorOf(one.enter("acme", "key", "print"));
    first.end(new ChatError("unavailable", "the provider is down"));
    expect((await waiting).kind).toBe("unavailable");
    await settle();
    expect((await one.enter("acme", "key", "print")).state).toBe("run");
  });

  test("runs itself when the first was left by its client", async () => {
    const { one } = setup();
    const first = await run(one.enter("acme", "key", "print"));
    const waiting = one.enter("acme", "key", "print");
    first.end(undefined);
    expect((await waiting).state).toBe("run");
  });

  test("with another body is refused, whether the first runs, here or elsewhere, or is answered", async () => {
    const { one, two } = setup();
    const first = await run(one.enter("acme", "key", "print"));
    expect(await statusOfAnother(one)).toBe(422);
    expect(await statusOfAnother(two)).toBe(422);
    first.end(ANSWER);
    await settle();
    expect(await statusOfAnother(one)).toBe(422);
  });

  test("of another tenant is another request", async () => {
    const { one } = setup();
    await run(one.enter("acme", "key", "print"));
    expect((await one.enter("emca", "key", "other")).state).toBe("run");
  });

  test("runs again after a day", async () => {
    const { one, clock } = setup();
    (await run(one.enter("acme", "key", "print"))).end(ANSWER);
    await settle();
    clock.advance(86_400_000 - 1);
    expect((await one.enter("acme", "key", "print")).state).toBe("replay");
    clock.advance(1);
    expect((await one.enter("acme", "key", "print")).state).toBe("run");
  });
});

test("an answer that is too large is given to those who wait and not kept", async () => {
  const { one, answers } = setup({ maxAnswerBytes: 10 });
  const first = await run(one.enter("acme", "key", "print"));
  const waiting = one.enter("acme", "key", "print");
  first.end(ANSWER);
  expect((await waiting).state).toBe("replay");
  await settle();
  expect(answers.rows.size).toBe(0);
});

test("requests of an instance that died run again after its lease", async () => {
  const { one, two, clock } = setup();
  await run(one.enter("acme", "key", "print"));
  clock.advance(14_999);
  expect((await errorOf(two.enter("acme", "key", "print"))).traits.status).toBe(409);
  clock.advance(1);
  expect((await two.enter("acme", "key", "print")).state).toBe("run");
});

test("requests run while storage is away, and share their answers here as long as they run", async () => {
  const { one, answers, changes } = setup();
  answers.isDown = true;
  const first = await run(one.enter("acme", "key", "print"));
  const waiting = one.enter("acme", "key", "print");
  first.end(ANSWER);
  expect((await waiting).state).toBe("replay");
  await settle();
  expect((await one.enter("acme", "key", "print")).state).toBe("run");
  answers.isDown = false;
  (await run(one.enter("acme", "other", "print"))).end(ANSWER);
  await settle();
  expect((await one.enter("acme", "other", "print")).state).toBe("replay");
  expect(changes).toEqual([true, false]);
});

test("of more than the most bytes the oldest answers go", async () => {
  const { one, answers, clock } = setup();
  for (let index = 0; index < 30; index += 1) {
    (await run(one.enter("acme", `key ${index}`, "print"))).end({
      ...ANSWER,
      body: "x".repeat(900),
    });
    await settle();
    clock.advance(3000);
  }
  expect(answers.rows.size).toBeLessThanOrEqual(20);
  expect((await one.enter("acme", "key 29", "print")).state).toBe("replay");
  expect((await one.enter("acme", "key 0", "print")).state).toBe("run");
});

test.each(["", " ", "a".repeat(256), "a\nb", "schlüssel"])("the key %j is refused", async (key) => {
  const error = await errorOf(setup().one.enter("acme", key, "print"));
  expect([error.traits.status, error.code]).toEqual([400, "invalid_idempotency_key"]);
});
