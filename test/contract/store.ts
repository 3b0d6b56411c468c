/** What every store does alike. One suite, run on each: `storeContract("embedded store", …)`. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { type Store, StoreError } from "../../src/server/store/store.ts";
import { aRow } from "./records.ts";
import { keys } from "./store-keys.ts";
import { usage } from "./store-usage.ts";
import { rejection } from "../support/rejection.ts";

export type FreshStore = {
  /** On a migrated database without rows. */
  readonly store: Store;
  /** One more connection to the same database. */
  open(): Promise<Store>;
  /** Runs a statement by hand, past every store. */
  sql(statement: string): Promise<void>;
  close(): Promise<void>;
};

/** The store under test; new for each test. */
export type StoreRig = Omit<FreshStore, "close">;

/** Declares the suite for one store. */
export function storeContract(name: string, openFresh: () => Promise<FreshStore>): void {
  describe(name, () => {
    let fresh: FreshStore;
    beforeEach(async () => {
      fresh = await openFresh();
    });
    afterEach(() => fresh.close());
    const rig: StoreRig = {
      get store() {
        return fresh.store;
      },
      open: () => fresh.open(),
      sql: (statement) => fresh.sql(statement),
    };
    keys(rig);
    usage(rig);

    describe("life", () => {
      test("it answers a ping, and says so when it is closed", async () => {
        await rig.store.ping();
        const other = await rig.open();
        await other.close();
        expect(await rejection(other.ping())).toBeInstanceOf(StoreError);
        expect(await rejection(other.recordUsage([aRow(1)]))).toBeInstanceOf(StoreError);
        await rig.store.ping();
      });

      test("a database that has come to lack a migration answers no ping", async () => {
        await rig.store.ping();
        for (const lost of ["number = (select max(number) from xjp_migrations)", "true"]) {
          await rig.sql(`update xjp_migrations set number = -number where ${lost}`);
          const said = await rig.store.ping().catch((thrown: unknown) => thrown);
          await rig.sql("update xjp_migrations set number = abs(number)");
          expect(said).toMatchObject({ needsSetup: true });
          expect(String(said)).toContain("run `xjp migrate`");
          await rig.store.ping();
        }
      });

      test("a database that a newer xjp has migrated meanwhile still answers", async () => {
        await rig.store.ping();
        await rig.sql(
          "insert into xjp_migrations values (99, '0099_x', 'x', '2030-01-01T00:00:00.000Z')",
        );
        const answered = await rig.store.ping().then(() => "yes", String);
        await rig.sql("delete from xjp_migrations where number = 99");
        expect(answered).toBe("yes");
      });
    });
  });
}
