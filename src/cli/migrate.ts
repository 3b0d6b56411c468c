import { defineCommand, jsonFlag, storeFlags } from "./_command.ts";
import { UsageError } from "./_error.ts";
import { readInteger } from "./_number.ts";
import { isoTime, when } from "./_time.ts";

export const migrate = defineCommand({
  about: "bring the database up to date",
  args: {
    status: {
      type: "boolean",
      description: "show what is applied and what is pending, change nothing",
    },
    "dry-run": { type: "boolean", description: "show what would be applied, change nothing" },
    to: {
      type: "string",
      valueHint: "N|URL",
      description: "stop after migration N; with --from the database to copy to",
    },
    from: {
      type: "string",
      valueHint: "URL",
      description: "copy keys and usage from this database to the one of --to",
    },
    ...jsonFlag,
    ...storeFlags,
  },
  notes: [
    "Migrations only go forward. A second run changes nothing; two at once are safe.",
    "Copying brings both databases up to date first, and changes no key and no usage where it copies from. It may be broken off and run again: for what is missing, and for what has come since.",
  ].join("\n"),
  examples: [
    "xjp migrate",
    "xjp migrate --status",
    "xjp migrate --dry-run --to 1",
    "xjp migrate --from sqlite:/var/lib/xjp/xjp.db --to postgres://xjp@db.example.com/xjp",
  ],
  async run(values, { terminal }) {
    if (values.from !== undefined) {
      const { copy } = await import("./migrate/_copy.ts");
      await copy(values.from, values, terminal);
      return;
    }
    if (values.to?.includes(":"))
      throw new UsageError("--to with a database needs --from: the database to copy from");
    const to = values.to === undefined ? undefined : readInteger("--to", values.to, 1);
    if (values.status && (values["dry-run"] || to !== undefined))
      throw new UsageError("--status only looks: leave out --dry-run and --to");
    const { configure } = await import("./_store.ts");
    const { migrate: apply, migrationStatus } = await import("../server/store/migrate.ts");
    const { database } = await configure(values);
    if (values.status) {
      const { migrations, version } = await migrationStatus(database);
      if (values.json) {
        const shown = migrations.map((migration) => ({
          number: migration.number,
          name: migration.name,
          applied_at: isoTime(migration.appliedAt),
        }));
        terminal.json({ version, migrations: shown });
        return;
      }
      const width = Math.max(...migrations.map(({ name }) => name.length));
      for (const { name, appliedAt } of migrations) {
        const state = appliedAt === null ? "pending" : `applied ${when(appliedAt)}`;
        terminal.result(`${name.padEnd(width)}  ${state}`);
      }
      return;
    }
    const dryRun = values["dry-run"];
    const result = await apply(database, { dryRun, ...(to === undefined ? {} : { to }) });
    if (values.json) {
      terminal.json({ dry_run: dryRun, version: result.version, applied: result.applied });
      return;
    }
    for (const { name } of result.applied)
      terminal.result(`${dryRun ? "would apply" : "applied"} ${name}`);
    if (result.applied.length === 0)
      terminal.info(`nothing to do: the database is at version ${result.version}`);
  },
});
