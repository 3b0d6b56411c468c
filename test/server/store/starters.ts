import { expect } from "bun:test";
import { join } from "node:path";

/** Lets processes migrate a database at the same moment; the numbers of what each of them applied itself, in order. */
export async function migrateAtOnce(processes: number, url: string): Promise<readonly number[]> {
  const children = Array.from({ length: processes }, () =>
    Bun.spawn([process.execPath, join(import.meta.dir, "migrate-child.ts"), url], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    }),
  );
  const readers = children.map((child) => child.stdout.getReader());
  await Promise.all(readers.map((reader) => reader.read()));
  for (const child of children) await child.stdin.end();
  const applied = await Promise.all(
    children.map(async (child, index): Promise<unknown> => {
      const printed = await readers[index]?.read();
      expect(await child.exited).toBe(0);
      expect(await new Response(child.stderr).text()).toBe("");
      return JSON.parse(new TextDecoder().decode(printed?.value));
    }),
  );
  return applied
    .flat()
    .map(Number)
    .toSorted((one, other) => one - other);
}
