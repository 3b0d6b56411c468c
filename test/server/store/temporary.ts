import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrate } from "../../../src/server/store/migrate.ts";

/** A folder of its own, and the way to remove it. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "xjp-store-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A migrated database without rows in a folder. */
export async function freshDatabase(folder: string): Promise<{ path: string; url: string }> {
  const path = join(folder, "xjp.db");
  await migrate(`sqlite:${path}`);
  return { path, url: `sqlite:${path}` };
}
