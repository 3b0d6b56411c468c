import type { Answers } from "../../src/server/store/answers.ts";

type Row = {
  fingerprint: string;
  holder: string | undefined;
  answer: string | undefined;
  until: number;
};

/** Answers in memory, for instances that live in one test; `isDown` makes every call reject. */
export function createMemoryAnswers(): Answers & {
  isDown: boolean;
  readonly rows: ReadonlyMap<string, Row>;
} {
  const rows = new Map<string, Row>();
  const check = async (): Promise<void> => {
    await Promise.resolve();
    if (answers.isDown) throw new Error("answers are down");
  };
  const mine = (id: string, holder: string): Row | undefined => {
    const row = rows.get(id);
    return row?.holder === holder ? row : undefined;
  };
  const answers = {
    isDown: false,
    rows,
    async claimAnswer({ id, fingerprint, holder, now, until }) {
      await check();
      const row = rows.get(id);
      if (!row || row.until <= now) {
        rows.set(id, { fingerprint, holder, answer: undefined, until });
        return { state: "claimed" };
      }
      return row.answer === undefined
        ? { state: "running", fingerprint: row.fingerprint }
        : { state: "answered", fingerprint: row.fingerprint, answer: row.answer };
    },
    async renewAnswers(ids, holder, until) {
      await check();
      for (const id of ids) {
        const row = mine(id, holder);
        if (row) row.until = until;
      }
    },
    async keepAnswer(id, holder, answer, until) {
      await check();
      const row = mine(id, holder);
      if (row) rows.set(id, { ...row, holder: undefined, answer, until });
    },
    async releaseAnswer(id, holder) {
      await check();
      if (mine(id, holder)) rows.delete(id);
    },
    async pruneAnswers(now, mostBytes) {
      await check();
      let total = 0;
      const newest = [...rows].toSorted(([, one], [, other]) => other.until - one.until);
      for (const [id, row] of newest) {
        total += Buffer.byteLength(row.answer ?? "");
        if (row.until <= now || (row.answer !== undefined && total > mostBytes)) rows.delete(id);
      }
    },
  } satisfies Answers & { isDown: boolean; rows: Map<string, Row> };
  return answers;
}
