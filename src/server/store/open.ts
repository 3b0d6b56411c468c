import { parseDatabase } from "./database-url.ts";
import { createEmbeddedStore } from "./embedded.ts";
import type { Store } from "./store.ts";

/** Opens the store that `sqlite:PATH` or `postgres://…` names. Migrates nothing; throws StoreError, which says what to do. */
export async function openStore(database: string): Promise<Store> {
  const address = parseDatabase(database);
  if (address.kind === "sqlite") return createEmbeddedStore(address.path);
  // Loaded only where it is used: most gateways never talk to a server.
  const { createPostgresStore } = await import("./postgres.ts");
  return createPostgresStore(address.url);
}
