/**
 * Writes docs/compatibility.md and the golden files beside the matrix's tests.
 *
 *     bun scripts/compatibility.ts [--check]      --check writes nothing and fails when something is out of date
 */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";

import { renderMatrix } from "../test/matrix/render.ts";

const ROOT = join(import.meta.dir, "..");
const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });

const stale: string[] = [];
for (const [path, text] of await renderMatrix()) {
  const file = Bun.file(join(ROOT, path));
  if ((await file.exists()) && (await file.text()) === text) continue;
  stale.push(path);
  if (values.check) continue;
  await mkdir(dirname(join(ROOT, path)), { recursive: true });
  await Bun.write(join(ROOT, path), text);
}
for (const path of stale)
  process.stdout.write(`${values.check ? "out of date" : "written"}: ${path}\n`);
if (values.check && stale.length > 0) {
  process.stderr.write("run `bun scripts/compatibility.ts` and look at what has changed\n");
  process.exit(1);
}
