import { hashKey, isKeyShaped, keyPrefix } from "../../server/store/key.ts";
import type { KeyRecord, Store } from "../../server/store/store.ts";
import { CommandError } from "../_error.ts";
import { visible } from "../_table.ts";
import { keyState } from "./_describe.ts";

/** Whoever types `XJP_` and no more may mean any of thousands. */
const shownAtMost = 20;

/** The one key that is meant by an id, by the beginning of a key, or by a whole key. Throws CommandError with the candidates. */
export async function findKey(store: Store, name: string, now: number): Promise<KeyRecord> {
  const found = await store.findKeys(isKeyShaped(name) ? keyPrefix(name) : name);
  const keys = isKeyShaped(name) ? found.filter((key) => key.keyHash === hashKey(name)) : found;
  const [first, second] = keys;
  // A whole key stands in someone's shell history already; it need not stand on the screen as well.
  const called = isKeyShaped(name) ? `${keyPrefix(name)}…` : `"${name}"`;
  if (first === undefined)
    throw new CommandError(`no key with the id or prefix ${called}: xjp keys list shows them`);
  if (second === undefined) return first;
  const candidates = keys
    .slice(0, shownAtMost)
    .map(
      (key) => `  ${key.id}  ${key.keyPrefix}…  ${visible(key.tenantId)} (${keyState(key, now)})`,
    );
  const left = keys.length - candidates.length;
  if (left > 0) candidates.push(`  and ${left} more: xjp keys list shows them`);
  throw new CommandError(
    [`${called} begins ${keys.length} keys; name one of them by its id:`, ...candidates].join("\n"),
  );
}
