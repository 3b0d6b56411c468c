import type { Answers } from "../answers.ts";
import type { Postgres } from "./connection.ts";

/** The methods of the PostgreSQL store that are about answers to be given again. */
export function createPostgresAnswerMethods({ sql, run }: Postgres): Answers {
  return {
    claimAnswer: ({ id, fingerprint, holder, now, until }) =>
      run(async () => {
        for (;;) {
          const claimed = await sql`
            insert into idempotent_answers as a (id, fingerprint, holder, expires_at)
            values (${id}, ${fingerprint}, ${holder}, ${new Date(until)})
            on conflict (id) do update set fingerprint = excluded.fingerprint, holder = excluded.holder, answer = null, size = 0,
              expires_at = excluded.expires_at
            where a.expires_at <= ${new Date(now)}
            returning 1`;
          if (claimed.length > 0) return { state: "claimed" };
          const [row] = await sql`
            select fingerprint, answer from idempotent_answers where id = ${id}`;
          // Released between the two: then it is to be had.
          if (row === undefined) continue;
          const known = String(row["fingerprint"]);
          return row["answer"] === null
            ? { state: "running", fingerprint: known }
            : { state: "answered", fingerprint: known, answer: String(row["answer"]) };
        }
      }),
    renewAnswers: (ids, holder, until) =>
      run(async () => {
        await sql`
          update idempotent_answers set expires_at = ${new Date(until)} where id = any(${[...ids]}) and holder = ${holder}`;
      }),
    keepAnswer: (id, holder, answer, until) =>
      run(async () => {
        await sql`
          update idempotent_answers set holder = null, answer = ${answer}, size = ${Buffer.byteLength(answer)},
            expires_at = ${new Date(until)} where id = ${id} and holder = ${holder}`;
      }),
    releaseAnswer: (id, holder) =>
      run(async () => {
        await sql`delete from idempotent_answers where id = ${id} and holder = ${holder}`;
      }),
    pruneAnswers: (now, mostBytes) =>
      run(async () => {
        await sql`delete from idempotent_answers where expires_at <= ${new Date(now)}`;
        await sql`
          delete from idempotent_answers where id in (
            select id from (
              select id, sum(size) over (order by expires_at desc, id) as total from idempotent_answers where answer is not null
            ) sized where total > ${mostBytes}
          )`;
      }),
  };
}
