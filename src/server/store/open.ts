import { type Store, StoreError } from "./store.ts";

/** Opens the store that `sqlite:PATH` names. Migrates nothing; throws StoreError, which says what to do. */
export async function openStore(database: string): Promise<Store> {
  throw new StoreError(`cannot open ${database}`);
}
