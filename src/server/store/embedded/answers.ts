import type { Answers } from "../answers.ts";
import { patiently, type Sqlite } from "./sqlite.ts";
import { readOptionalText, readText, toText } from "./sqlite-value.ts";

/** The methods of the embedded store that are about answers to be given again. */
export function createAnswerMethods(sqlite: Sqlite): Answers {
  const select = sqlite.prepare(
    "select fingerprint, answer from idempotent_answers where id = ? and expires_at > ?",
  );
  const claim = sqlite.prepare(
    "insert or replace into idempotent_answers (id, fingerprint, holder, expires_at) values (?, ?, ?, ?)",
  );
  const renew = sqlite.prepare(
    "update idempotent_answers set expires_at = ? where id = ? and holder = ?",
  );
  const keep = sqlite.prepare(
    "update idempotent_answers set holder = null, answer = ?, size = ?, expires_at = ? where id = ? and holder = ?",
  );
  const release = sqlite.prepare("delete from idempotent_answers where id = ? and holder = ?");
  const prune = sqlite.prepare("delete from idempotent_answers where expires_at <= ?");
  const shrink = sqlite.prepare(
    `delete from idempotent_answers where id in (
      select id from (
        select id, sum(size) over (order by expires_at desc, id) as total from idempotent_answers where answer is not null
      ) where total > ?
    )`,
  );
  const write = <T>(work: () => T): Promise<T> => patiently(sqlite, () => sqlite.transaction(work));

  return {
    claimAnswer: ({ id, fingerprint, holder, now, until }) =>
      write(() => {
        const row = select.get(id, toText(now));
        if (row === null) {
          claim.run(id, fingerprint, holder, toText(until));
          return { state: "claimed" };
        }
        const known = readText(row, "fingerprint");
        const answer = readOptionalText(row, "answer");
        return answer === null
          ? { state: "running", fingerprint: known }
          : { state: "answered", fingerprint: known, answer };
      }),
    async renewAnswers(ids, holder, until) {
      await write(() => {
        for (const id of ids) renew.run(toText(until), id, holder);
      });
    },
    async keepAnswer(id, holder, answer, until) {
      const size = Buffer.byteLength(answer);
      await write(() => keep.run(answer, size, toText(until), id, holder));
    },
    async releaseAnswer(id, holder) {
      await write(() => release.run(id, holder));
    },
    async pruneAnswers(now, mostBytes) {
      await write(() => {
        prune.run(toText(now));
        shrink.run(mostBytes);
      });
    },
  };
}
