/** Where a field stands in the file: names of tables and fields, and positions in arrays. */
export type Path = readonly (string | number)[];

/** The path as TOML would write it: `models."claude-sonnet-4.5".routes[1].weight`. */
export function showPath(path: Path): string {
  return path
    .map((step, position) => {
      if (typeof step === "number") return `[${step}]`;
      return `${position === 0 ? "" : "."}${showKey(step)}`;
    })
    .join("");
}

/** One name as TOML writes it, quoted only where it must be. */
export function showKey(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name);
}

/** The path as a key of a Map. */
export function pathKey(path: Path): string {
  return JSON.stringify(path);
}

/** The path of a JSON pointer, where `tree` tells positions in arrays from names that look like numbers. */
export function fromPointer(pointer: string, tree: unknown): Path {
  const path: (string | number)[] = [];
  let here = tree;
  for (const escaped of pointer.split("/").slice(1)) {
    const name = escaped.replaceAll("~1", "/").replaceAll("~0", "~");
    path.push(Array.isArray(here) ? Number(name) : name);
    here = child(here, name);
  }
  return path;
}

/** True for what TOML calls a table: not for arrays, and not for the objects that dates become. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The own member of a table or array, or undefined. */
export function child(value: unknown, name: string | number): unknown {
  if (Array.isArray(value)) return value[Number(name)];
  return isTable(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** What stands at a path below a value, or undefined. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(child, value);
}
