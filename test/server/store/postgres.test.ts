import { migrate } from "../../../src/server/store/migrate.ts";
import { openStore } from "../../../src/server/store/open.ts";
import { storeContract } from "../../contract/store.ts";
import { freshPostgres } from "../../support/postgres.ts";

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
