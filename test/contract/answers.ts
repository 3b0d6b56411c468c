/** What every storage of answers that are given again does alike. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Answers, Claim } from "../../src/server/store/answers.ts";

export type AnswersRig = {
  /** With nothing else in their storage. */
  readonly answers: Answers;
  close(): Promise<void>;
};

const LONG_MS = 3_600_000;
let names = 0;

function claim(fields: Partial<Claim> = {}): Claim {
  names += 1;
  const now = Date.now();
  return {
    id: `answer-${process.pid}-${names}`,
    fingerprint: "print",
    holder: "one",
    now,
    until: now + LONG_MS,
    ...fields,
  };
}

export function answersContract(name: string, open: () => Promise<AnswersRig>): void {
  describe(name, () => {
    let rig: AnswersRig;
    let answers: Answers;
    beforeAll(async () => {
      rig = await open();
      ({ answers } = rig);
    }, 60_000);
    afterAll(() => rig.close(), 60_000);

    test("an id is claimed once, and everybody else hears that it runs", async () => {
      const first = claim();
      expect(await answers.claimAnswer(first)).toEqual({ state: "claimed" });
      const second = { ...first, holder: "two", fingerprint: "other" };
      expect(await answers.claimAnswer(second)).toEqual({ state: "running", fingerprint: "print" });
    });

    test("of many that claim it at once one gets it", async () => {
      const first = claim();
      const all = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          answers.claimAnswer({ ...first, holder: `holder ${index}` }),
        ),
      );
      expect(all.filter(({ state }) => state === "claimed")).toHaveLength(1);
      expect(all.filter(({ state }) => state === "running")).toHaveLength(19);
    });

    test("an answer is kept as it is", async () => {
      const first = claim();
      const answer = JSON.stringify({ body: "it's \"50 %\" \u{1f30a}\n'\\ data: {}\n\n" });
      await answers.claimAnswer(first);
      await answers.keepAnswer(first.id, "one", answer, first.now + LONG_MS);
      expect(await answers.claimAnswer({ ...first, holder: "two" })).toEqual({
        state: "answered",
        fingerprint: "print",
        answer,
      });
    });

    test("a released id is to be had again", async () => {
      const first = claim();
      await answers.claimAnswer(first);
      await answers.releaseAnswer(first.id, "two");
      expect((await answers.claimAnswer(first)).state).toBe("running");
      await answers.releaseAnswer(first.id, "one");
      expect((await answers.claimAnswer({ ...first, holder: "two" })).state).toBe("claimed");
    });

    test("a claim lapses, unless it is renewed, and who lost it keeps nothing", async () => {
      const now = Date.now();
      const lost = claim({ until: now + 40 });
      const renewed = claim({ until: now + 40 });
      await answers.claimAnswer(lost);
      await answers.claimAnswer(renewed);
      await answers.renewAnswers([renewed.id, lost.id], "two", now + LONG_MS);
      await answers.renewAnswers([renewed.id], "one", now + LONG_MS);
      // The server's own clock, which nobody can move.
      await Bun.sleep(60);
      const later = { holder: "two", now: Date.now(), until: now + LONG_MS };
      expect((await answers.claimAnswer({ ...lost, ...later })).state).toBe("claimed");
      expect((await answers.claimAnswer({ ...renewed, ...later })).state).toBe("running");
      await answers.keepAnswer(lost.id, "one", "late", now + LONG_MS);
      expect((await answers.claimAnswer({ ...lost, ...later })).state).toBe("running");
    });

    test("what has lapsed goes, and of the rest what lapses first beyond the most bytes", async () => {
      const now = Date.now();
      const kept = [1, 2, 3].map(() => claim());
      for (const [index, one] of kept.entries()) {
        await answers.claimAnswer(one);
        await answers.keepAnswer(one.id, "one", "x".repeat(1000), now + LONG_MS * (20 + index));
      }
      const running = claim();
      await answers.claimAnswer(running);
      await answers.pruneAnswers(now + LONG_MS / 2, 2500);
      const states: string[] = [];
      for (const one of [...kept, running]) {
        const found = await answers.claimAnswer({ ...one, holder: "two" });
        states.push(found.state);
      }
      expect(states).toEqual(["claimed", "answered", "answered", "running"]);
      await answers.pruneAnswers(now + LONG_MS * 30, 1_000_000);
      expect((await answers.claimAnswer({ ...claim(), id: kept[2]?.id ?? "" })).state).toBe(
        "claimed",
      );
    });
  });
}
