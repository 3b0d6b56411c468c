/** Opens or migrates a database as a user who may write nothing; prints the error's message. */
// What the store loads late is loaded here, while it may still be read: a checkout may lie where `nobody` sees nothing.
import "../../../src/server/store/embedded/migrate.ts";
import { migrate } from "../../../src/server/store/migrate.ts";
import { openStore } from "../../../src/server/store/open.ts";

const [command = "", database = ""] = process.argv.slice(2);
// Root may write everywhere; `nobody` may not.
if (process.getuid?.() === 0) process.setuid?.(65_534);
try {
  await (command === "migrate" ? migrate(database) : openStore(database));
} catch (thrown) {
  process.stdout.write(thrown instanceof Error ? thrown.message : String(thrown));
}
