import { afterAll, beforeAll, describe } from "bun:test";
import { openStore } from "../../../src/server/store/open.ts";
import { storeContract, type FreshStore } from "../../contract/store.ts";
import {
  makeDatabase,
  newestServer,
  type TestDatabase,
  testServers,
  throughPgBouncer,
} from "../../support/postgres.ts";

for (const server of testServers()) {
  describe(server.name, () => {
    let database: TestDatabase;
    // Making a server's files takes seconds on a busy machine.
    beforeAll(async () => {
      database = await makeDatabase(server);
    }, 60_000);
    afterAll(() => database.drop(), 60_000);

    storeContract("store", () => openRig(database, database.url));
  });
}

describe("PgBouncer between transactions", () => {
  let database: TestDatabase;
  let pooled: string | undefined;
  beforeAll(async () => {
    database = await makeDatabase(newestServer());
    pooled = await throughPgBouncer(database);
  }, 60_000);
  afterAll(() => database.drop(), 60_000);

  storeContract("store", () => openRig(database, pooled ?? database.url));
});

async function openRig(database: TestDatabase, url: string): Promise<FreshStore> {
  const store = await openStore(url);
  return {
    store,
    open: () => openStore(url),
    async sql(statement) {
      await database.sql(statement);
    },
    async close() {
      await store.close();
      await database.reset();
    },
  };
}
