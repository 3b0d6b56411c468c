import { maskUrl } from "../../server/config/file-shape.ts";
import { StoreError } from "../../server/store/store.ts";
import { configure, type StoreFlags } from "../_store.ts";
import { UsageError } from "../_error.ts";
import { digits } from "../_number.ts";
import type { Terminal } from "../_terminal.ts";

type CopyFlags = StoreFlags & {
  readonly to: string | undefined;
  readonly status: boolean;
  readonly "dry-run": boolean;
  readonly json: boolean;
};

/** Copies one database to another, and tells what came of it. Migrates both before: one of an older xjp cannot be read. */
export async function copy(from: string, flags: CopyFlags, terminal: Terminal): Promise<void> {
  if (flags.to === undefined)
    throw new UsageError(
      "--from needs --to: the database to copy to, as postgres://… or sqlite:PATH",
    );
  if (flags.status || flags["dry-run"])
    throw new UsageError("--from copies: leave out --status and --dry-run");
  const { migrate, migrationStatus } = await import("../../server/store/migrate.ts");
  const { copyDatabase } = await import("../../server/store/copy.ts");
  // Read as a configured one is: relative paths, env: and file:.
  const source = (await configure({ ...flags, database: from })).database;
  const target = (await configure({ ...flags, database: flags.to })).database;
  const { version } = await migrationStatus(source);
  if (version === 0) throw new StoreError(`--from: ${maskUrl(source)} is no database of xjp`);
  for (const { name } of (await migrate(source)).applied)
    terminal.info(`applied ${name} to the database of --from`);
  for (const { name } of (await migrate(target)).applied)
    terminal.info(`applied ${name} to the database of --to`);
  const result = await copyDatabase(source, target, (day, rows) => {
    terminal.info(`${day}: ${digits(rows)} rows`);
  });
  const { keys, days, rows, otherTotals, requests } = result;
  if (otherTotals.rows > 0)
    terminal.warn(
      `total_tokens of ${digits(otherTotals.rows)} rows is not input and output together (${digits(otherTotals.tokens)} tokens in all): the totals of days keep it, the copied rows do not`,
    );
  if (flags.json) {
    terminal.json({ keys, days, rows, other_totals: otherTotals, requests });
    return;
  }
  terminal.result(`keys: ${digits(keys.copied)} copied, ${digits(keys.unchanged)} there already`);
  terminal.result(
    `usage: ${digits(rows)} rows of ${digits(days.copied)} days copied, ${digits(days.unchanged)} days there already`,
  );
  terminal.result(
    `requests: ${digits(requests.from)} in the source, ${digits(requests.to)} in the target`,
  );
}
