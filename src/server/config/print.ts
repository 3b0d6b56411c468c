import { toFileShape } from "./file-shape.ts";
import type { Loaded } from "./load.ts";
import { child, isTable, type Path, pathKey } from "./path.ts";
import { toToml } from "./toml-text.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The configuration in force as TOML, secrets masked, with the place that each value comes from behind it. */
export function printConfig(loaded: Loaded): string {
  const { config } = loaded;
  const head = [
    `# ${config.file ?? "no configuration file: environment, flags and defaults"}`,
    ...config.warnings.map((warning) => `# warning: ${warning}`),
  ];
  const body = toToml(toFileShape(config), (path) => sourceOf(path, loaded));
  return `${head.join("\n")}\n\n${body}`.trimEnd();
}

/** Where a field has its value from. */
function sourceOf(path: Path, { tree, overrides, providers }: Loaded): string {
  const [table, name, field] = path;
  const places = [asWritten(path, tree.fields), ...otherPlaces(path, tree.fields)];
  const keys = new Set(places.map(pathKey));
  const override = overrides.find((each) => keys.has(pathKey(each.path)));
  const variable =
    table === "providers" ? providers.variable(String(name), String(field)) : undefined;
  const source = places.map((place) => tree.sourceOf(place)).find((each) => each !== undefined);
  return override?.field ?? variable ?? source ?? "default";
}

/** Other ways to write the same in the file. */
function otherPlaces([table, name, field]: Path, fields: Fields): readonly Path[] {
  // It may be a string in the file, and always is one elsewhere.
  if (table === "database") return [["database"]];
  if (table !== "providers" || field !== "api_key" || name === undefined) return [];
  return [asWritten([table, name, "api_keys"], fields)];
}

/** The path with the provider's name in the letters of the file. */
function asWritten(path: Path, fields: Fields): Path {
  const [table, name, ...rest] = path;
  const providers = child(fields, "providers");
  if (table !== "providers" || !isTable(providers)) return path;
  const same = Object.keys(providers).find((each) => each.toLowerCase() === name);
  return same === undefined ? path : [table, same, ...rest];
}
