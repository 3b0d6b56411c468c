import { parseDatabase, postgresUnsupported } from "./database-url.ts";
import { createEmbeddedStore } from "./embedded.ts";
import type { Store } from "./store.ts";

/** Opens the store that `sqlite:PATH` names. Migrates nothing; throws StoreError, which says what to do. */
export async function openStore(database: string): Promise<Store> {
  const address = parseDatabase(database);
  if (address.kind === "postgres") throw postgresUnsupported();
  return createEmbeddedStore(address.path);
}
