import { dirname } from "node:path";
import { crossCheck } from "./cross-check.ts";
import type { Place } from "./database-url.ts";
import { withDefaults } from "./defaults.ts";
import { type Fault, locateFaults } from "./faults.ts";
import type { FoundFile } from "./find-file.ts";
import { createLocator, type Locator } from "./locate.ts";
import { child, isTable, type Path, pathKey } from "./path.ts";
import { resolveReferences } from "./references.ts";
import { fileSchema } from "./schema.ts";
import { checkShape } from "./shape.ts";
import { parseToml } from "./toml.ts";

/** A file as read: fields with references resolved and defaults filled in. */
export type FileTree = {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly faults: readonly Fault[];
  /** Where a field of the file comes from: `xjp.toml:12`, or the reference that stands there. Undefined for defaults. */
  sourceOf(path: Path): string | undefined;
};

/** Reads and checks a file; without one there are only the defaults. */
export async function readFileTree(file: FoundFile | undefined, place: Place): Promise<FileTree> {
  const parsed = parseToml(file?.text ?? "");
  const shown = file?.shown ?? "";
  if (!parsed.ok) {
    const { line, problem } = parsed;
    const faults = [{ source: shown, line, field: "", problem }];
    return { fields: {}, faults, sourceOf: () => undefined };
  }
  const folder = file ? dirname(file.path) : place.cwd;
  const { tree, references, faults } = await resolveReferences(parsed.tree, {
    env: place.env,
    folder,
  });
  const whole = withDefaults(fileSchema, tree);
  const all = [...faults, ...checkShape(fileSchema, whole), ...crossCheck(whole, place)];
  // Most files have no faults and nobody asks for lines.
  let locator: Locator | undefined;
  const lineOf: Locator = (path) => (locator ??= createLocator(file?.text ?? ""))(path);
  return {
    fields: isTable(whole) ? whole : {},
    faults: locateFaults(all, shown, lineOf),
    sourceOf(path) {
      if (path.reduce<unknown>(child, tree) === undefined) return undefined;
      return references.get(pathKey(path)) ?? `${shown}:${lineOf(path)}`;
    },
  };
}
