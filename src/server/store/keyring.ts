import { type KeyRecord, type Store, StoreError } from "./store.ts";

/** Every key in memory, by hash, kept up to date with the store. */
export type Keyring = {
  /** Memory only, never touches the store. */
  find(keyHash: string): KeyRecord | undefined;
  /** Looks for changes now; after it `find` knows every key stored before the call. Never rejects. */
  refresh(): Promise<void>;
  /** Notes that a key was used at a Unix millisecond; written in batches. */
  touch(id: string, at: number): void;
  readonly size: number;
  close(): Promise<void>;
};

export type KeyringOptions = {
  /** How often changes are looked for. */
  readonly pollMs: number;
  /** Called once per outage of the store; keys go on being served from memory. */
  readonly onError: (error: unknown) => void;
};

/** Reads every key, then follows changes. Throws StoreError if the first read fails. */
export async function openKeyring(_store: Store, _options: KeyringOptions): Promise<Keyring> {
  throw new StoreError("cannot open the keyring");
}
