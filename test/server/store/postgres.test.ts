import { beforeAll } from "bun:test";
import { migrate } from "../../../src/server/store/migrate.ts";
import { openStore } from "../../../src/server/store/open.ts";
import { storeContract } from "../../contract/store.ts";
import { freshPostgres, postgresServer } from "../../support/postgres.ts";

// Making a server's files takes seconds on a busy machine.
beforeAll(async () => {
  await postgresServer();
}, 60_000);

storeContract("PostgreSQL store", async () => {
  const database = await freshPostgres();
  await migrate(database.url);
  const store = await openStore(database.url);
  return {
    store,
    open: () => openStore(database.url),
    async sql(statement) {
      await database.sql(statement);
    },
    async close() {
      await store.close();
      await database.drop();
    },
  };
});
