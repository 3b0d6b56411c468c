import type { PathFault } from "./faults.ts";
import { knownProviders } from "./known-providers.ts";
import { nearest } from "./nearest.ts";
import { child, isTable, type Path } from "./path.ts";
import { quoted } from "./wording.ts";

/** Models whose routes lead nowhere or contradict each other. Both arguments are as the file has them. */
export function checkModels(models: unknown, providers: unknown): readonly PathFault[] {
  if (!isTable(models)) return [];
  const declared = isTable(providers) ? Object.keys(providers) : [];
  const names = new Set([...declared, ...knownProviders.map(({ name }) => name)].map(fold));
  return Object.entries(models).flatMap(([name, model]) => {
    if (!isTable(model)) return [];
    const path = ["models", name];
    return [
      checkChoice(model, path),
      checkWeights(child(model, "routes"), [...path, "routes"]),
      routes(model, path).flatMap((route) => checkProvider(route.value, route.path, names)),
    ].flat();
  });
}

const fold = (name: string): string => name.toLowerCase();

/** A model has either a primary route or a list of routes. */
function checkChoice(model: Readonly<Record<string, unknown>>, path: Path): readonly PathFault[] {
  const { primary, routes: list, fallback, limits: _, ...unknown } = model;
  // A misspelled name explains the lack by itself.
  if (Object.keys(unknown).length > 0) return [];
  if (primary !== undefined && list !== undefined) {
    return [
      { path: [...path, "routes"], problem: "stands beside primary, expected one of the two" },
    ];
  }
  if (primary !== undefined || list !== undefined) return [];
  return fallback === undefined
    ? [{ path, problem: "has no route, expected a table primary or an array of tables routes" }]
    : [{ path: [...path, "fallback"], problem: "stands without a primary route" }];
}

function checkWeights(list: unknown, path: Path): readonly PathFault[] {
  if (!Array.isArray(list)) return [];
  const weights = list.map((route: unknown) => child(route, "weight"));
  if (weights.every((weight) => weight === undefined)) return [];
  const without = weights.indexOf(undefined);
  if (without >= 0) {
    const problem =
      "missing, expected a number as the other routes have; what is only to step in goes under fallback";
    return [{ path: [...path, without, "weight"], problem }];
  }
  return weights.every((weight) => weight === 0)
    ? [{ path, problem: "every weight is 0, expected at least one above" }]
    : [];
}

function routes(
  model: Readonly<Record<string, unknown>>,
  path: Path,
): readonly { readonly value: unknown; readonly path: Path }[] {
  return ["primary", "routes", "fallback"].flatMap((name) => {
    const value = child(model, name);
    return Array.isArray(value)
      ? value.map((item: unknown, index) => ({ value: item, path: [...path, name, index] }))
      : [{ value, path: [...path, name] }];
  });
}

function checkProvider(
  route: unknown,
  path: Path,
  names: ReadonlySet<string>,
): readonly PathFault[] {
  const name = child(route, "provider");
  if (typeof name !== "string" || name === "" || names.has(fold(name))) return [];
  const close = nearest(name, names);
  const hint = close === undefined ? "" : `; did you mean "${close}"?`;
  const problem = `found ${quoted(name)}, expected one of ${shortList(names)}${hint}`;
  return [{ path: [...path, "provider"], problem }];
}

/** The first names; the operator's own stand in front. */
function shortList(names: ReadonlySet<string>): string {
  const shown = [...names].slice(0, 8).join(", ");
  return names.size > 8 ? `${shown}, … or a table [providers.NAME]` : shown;
}
