/** Revokes a key as `xjp keys revoke` does: in a process of its own. */
import { openStore } from "../../../src/server/store/open.ts";

const [database = "", id = ""] = process.argv.slice(2);
const store = await openStore(database);
await store.revokeKey(id, Date.now());
await store.close();
