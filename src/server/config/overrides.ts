import { checkDatabase, checkRedis } from "./cross-check.ts";
import type { Place } from "./database-url.ts";
import type { Fault, PathFault } from "./faults.ts";
import { isTable, type Path } from "./path.ts";
import type { Environment } from "./references.ts";
import { fromText, schemaAt } from "./schema-at.ts";
import { fileSchema } from "./schema.ts";
import { checkShape } from "./shape.ts";

export type ConfigFlags = {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly database?: string;
  readonly demo?: boolean;
};

/** A value from the environment or the command line, which replaces that of the file. */
export type Override = {
  readonly path: Path;
  readonly value: string | number;
  /** Where it comes from, as faults say it. */
  readonly source: "environment" | "command line";
  /** Name of the variable, or the flag with its dashes. */
  readonly field: string;
};

type Setting = {
  readonly path: Path;
  readonly variable: string;
  readonly flag?: "host" | "port" | "database";
};

const settings: readonly Setting[] = [
  { path: ["server", "host"], variable: "HOST", flag: "host" },
  { path: ["server", "port"], variable: "PORT", flag: "port" },
  { path: ["database"], variable: "DATABASE_URL", flag: "database" },
  { path: ["redis", "url"], variable: "REDIS_URL" },
  { path: ["server", "admin_token"], variable: "XJP_ADMIN_TOKEN" },
  { path: ["log", "level"], variable: "XJP_LOG" },
  { path: ["log", "format"], variable: "XJP_LOG_FORMAT" },
];

/** What flags and environment say: a flag hides its variable, and an empty variable says nothing. */
export function readOverrides(flags: ConfigFlags, env: Environment): readonly Override[] {
  return settings.flatMap(({ path, variable, flag }): readonly Override[] => {
    const schema = schemaAt(fileSchema, path);
    const given = flag && flags[flag];
    if (flag && given !== undefined) {
      return [{ path, value: fromText(schema, given), source: "command line", field: `--${flag}` }];
    }
    const text = env[variable];
    if (!text) return [];
    return [{ path, value: fromText(schema, text), source: "environment", field: variable }];
  });
}

/** What is wrong with values from outside the file, by the same rules as in the file. */
export function checkOverrides(overrides: readonly Override[], place: Place): readonly Fault[] {
  return overrides.flatMap(({ path, value, source, field }) => {
    const schema = schemaAt(fileSchema, path);
    const shape = schema ? checkShape(schema, value) : [];
    const [fault] = shape.length > 0 ? shape : checkAddress(path, value, place);
    return fault ? [{ source, field, problem: fault.problem }] : [];
  });
}

function checkAddress(path: Path, value: unknown, place: Place): readonly PathFault[] {
  if (path[0] === "database") return checkDatabase(value, place);
  return path[0] === "redis" ? checkRedis(value) : [];
}

/** The tree with the values from outside in their places. */
export function applyOverrides(
  tree: Readonly<Record<string, unknown>>,
  overrides: readonly Override[],
): Record<string, unknown> {
  const result: Record<string, unknown> = { ...tree };
  for (const { path, value } of overrides) {
    const [table, field] = path;
    if (field === undefined) result[String(table)] = value;
    else result[String(table)] = { ...toTable(result[String(table)]), [field]: value };
  }
  return result;
}

function toTable(value: unknown): Readonly<Record<string, unknown>> {
  return isTable(value) ? value : {};
}
