import type { PathFault } from "./faults.ts";
import { checkModels } from "./check-models.ts";
import { checkProviders } from "./check-providers.ts";
import { type Place, readDatabaseUrl } from "./database-url.ts";
import { child, isTable, type Path } from "./path.ts";
import { nearest } from "./nearest.ts";
import { quoted } from "./wording.ts";

/**
 * What the schema cannot see: names that lead nowhere, fields that exclude each other, URLs that are none. The tree may have
 * faults of shape; what they touch is left to the schema.
 */
export function crossCheck(tree: unknown, place: Place): readonly PathFault[] {
  return [
    ...checkProviders(child(tree, "providers")),
    ...checkModels(child(tree, "models"), child(tree, "providers")),
    ...checkAliases(child(tree, "tenants"), child(tree, "models")),
    ...checkDatabase(child(tree, "database"), place),
    ...checkRedis(child(child(tree, "redis"), "url")),
    ...checkOrigins(child(child(tree, "cors"), "origins")),
  ];
}

/** Aliases that stand for no model of the file; with none in it, models are not known before they are asked for. */
function checkAliases(tenants: unknown, models: unknown): readonly PathFault[] {
  if (!isTable(tenants) || !isTable(models) || Object.keys(models).length === 0) return [];
  const names = Object.keys(models);
  return Object.entries(tenants).flatMap(([tenant, table]) => {
    const aliases = child(table, "aliases");
    if (!isTable(aliases)) return [];
    return Object.entries(aliases).flatMap(([alias, model]): readonly PathFault[] => {
      if (typeof model !== "string" || names.includes(model) || model.startsWith("demo/"))
        return [];
      const close = nearest(model, names);
      const hint = close === undefined ? "" : `; did you mean "${close}"?`;
      const problem = `found ${quoted(model)}, expected the name of a model${hint}`;
      return [{ path: ["tenants", tenant, "aliases", alias], problem }];
    });
  });
}

/** Whether `database`, a string or a table with `url`, names a database. */
export function checkDatabase(value: unknown, place: Place): readonly PathFault[] {
  const url = isTable(value) ? child(value, "url") : value;
  const path: Path = isTable(value) ? ["database", "url"] : ["database"];
  if (typeof url !== "string" || url === "") return [];
  const read = readDatabaseUrl(url, place);
  return "problem" in read ? [{ path, problem: read.problem }] : [];
}

/** Whether a text is the address of a Redis or Valkey server. It may hold a password and is not repeated. */
export function checkRedis(url: unknown): readonly PathFault[] {
  if (typeof url !== "string" || url === "") return [];
  if (/^(?:redis|valkey)s?:\/\/[^/?#]/.test(url) && URL.canParse(url)) return [];
  const problem =
    "found text that is no address of a Redis server, expected redis://HOST:PORT or rediss://HOST:PORT";
  return [{ path: ["redis", "url"], problem }];
}

function checkOrigins(value: unknown): readonly PathFault[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((origin: unknown, index): readonly PathFault[] => {
    if (typeof origin !== "string" || origin === "*" || isOrigin(origin)) return [];
    const problem = `found ${quoted(origin)}, expected "*" or an origin such as "https://example.com"`;
    return [{ path: ["cors", "origins", index], problem }];
  });
}

/** True for exactly what browsers send in `Origin`: scheme, host and port, no path. */
function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
