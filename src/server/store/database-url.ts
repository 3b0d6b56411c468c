import { resolve } from "node:path";
import { StoreError } from "./store.ts";

/** What DATABASE_URL means: a file, resolved against the working folder, or a PostgreSQL server. */
export type DatabaseAddress =
  | { readonly kind: "sqlite"; readonly path: string }
  | { readonly kind: "postgres"; readonly url: string };

/** Reads `sqlite:PATH` (also `sqlite:///PATH`) or `postgres://…`. Throws StoreError on anything else. */
export function parseDatabase(database: string): DatabaseAddress {
  if (/^postgres(ql)?:/i.test(database)) return { kind: "postgres", url: database };
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/is.exec(database)?.[1];
  if (path === undefined || path.startsWith("//")) {
    throw new StoreError(
      `database: expected sqlite:PATH (for example sqlite:/var/lib/xjp/xjp.db), found ${quote(database)}: set DATABASE_URL or --database`,
    );
  }
  return { kind: "sqlite", path: resolve(path) };
}

/** The text without what stands before an `@`, where passwords are. */
function quote(database: string): string {
  return database === "" ? "nothing" : JSON.stringify(database.replace(/\/\/.*@/s, "//…@"));
}
