/** Migrates the database named by its argument as soon as its standard input ends; prints the numbers that it applied itself. */
import { migrate } from "../../../src/server/store/migrate.ts";

process.stdout.write("ready\n");
await Bun.stdin.text();
const result = await migrate(process.argv[2] ?? "");
process.stdout.write(JSON.stringify(result.applied.map((migration) => migration.number)));
