import { dirname } from "node:path";
import { crossCheck } from "./cross-check.ts";
import type { Place } from "./database-url.ts";
import { withDefaults } from "./defaults.ts";
import { type Fault, locateFaults } from "./faults.ts";
import type { FoundFile } from "./find-file.ts";
import { createLocator, type Locator } from "./locate.ts";
import { isTable, type Path, pathKey, valueAt } from "./path.ts";
import { resolveReferences } from "./references.ts";
import { fileSchema } from "./schema.ts";
import { checkShape } from "./shape.ts";
import { parseToml } from "./toml.ts";
import { quoted } from "./wording.ts";

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
  const all = [...faults, ...checkShape(fileSchema, whole), ...crossCheck(whole, place)].map(
    ({ path, problem }) => {
      // A variable or file may hold a secret: the report names it and does not repeat it.
      const reference = references.get(pathKey(path));
      const value = reference === undefined ? undefined : valueAt(whole, path);
      return typeof value === "string" && reference !== undefined
        ? { path, problem: problem.replace(quoted(value), () => reference) }
        : { path, problem };
    },
  );
  // Most files have no faults and nobody asks for lines.
  let locator: Locator | undefined;
  const lineOf: Locator = (path) => (locator ??= createLocator(file?.text ?? ""))(path);
  return {
    fields: isTable(whole) ? whole : {},
    faults: locateFaults(all, shown, lineOf),
    sourceOf(path) {
      if (valueAt(tree, path) === undefined) return undefined;
      return references.get(pathKey(path)) ?? `${shown}:${lineOf(path)}`;
    },
  };
}
