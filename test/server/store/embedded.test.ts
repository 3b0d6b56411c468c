import { Database } from "bun:sqlite";
import { openStore } from "../../../src/server/store/open.ts";
import { storeContract } from "../../contract/store.ts";
import { freshDatabase, temporaryFolder } from "./temporary.ts";

storeContract("embedded store", async () => {
  const folder = temporaryFolder();
  const { path, url } = await freshDatabase(folder.path);
  const store = await openStore(url);
  return {
    store,
    open: () => openStore(url),
    async sql(statement) {
      const database = new Database(path, { readwrite: true });
      database.run(statement);
      database.close();
    },
    async close() {
      await store.close();
      folder.remove();
    },
  };
});
