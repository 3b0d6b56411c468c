import { type Store, StoreError, type UsageRow } from "./store.ts";

/** Usage rows on their way to the store, kept in files until they are there. */
export type Journal = {
  /** Appends one row; once it returns, the row survives the death of the process (not of the machine). Never throws. */
  write(row: UsageRow): void;
  /** Rows not yet in the store. */
  readonly pending: number;
  /** Rows that could be put neither into a file nor into the store. */
  readonly lost: number;
  /** Tries to move everything pending into the store now. Never rejects. */
  flush(): Promise<void>;
  close(): Promise<void>;
};

export type JournalOptions = {
  readonly directory: string;
  readonly store: Store;
  /** How often rows are moved into the store. */
  readonly flushMs: number;
  /** Called once per outage of the store or of the disk, and for what was found damaged. */
  readonly onError: (error: unknown) => void;
};

/** Opens a journal in `directory` and takes over what dead processes left there. Throws StoreError. */
export async function openJournal(_options: JournalOptions): Promise<Journal> {
  throw new StoreError("cannot open the journal");
}
