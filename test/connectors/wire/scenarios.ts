/**
 * Scenarios of a dialect, one a file: `test/fixtures/<dialect>/*.json`. A file holds one of `request` (a body, what the hub has
 * of it, and what is written for a host), `stream`, `reply` and `errors`.
 */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Dialect } from "../../../src/connectors/hub/request.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../src/connectors/hub/json.ts";
import { parseObject } from "../../support/json.ts";

const SECTIONS = ["request", "stream", "reply", "errors"] as const;

export type Scenario = { readonly name: string; readonly scenario: JsonObject };

/** Reads those of a dialect, and answers which of them have a section. */
export function readScenarios(
  dialect: Dialect,
): (section: (typeof SECTIONS)[number]) => readonly Scenario[] {
  const folder = join(import.meta.dir, "../../fixtures", dialect);
  const scenarios = readdirSync(folder).map((file) => ({
    name: file.replace(".json", ""),
    scenario: parseObject(readFileSync(join(folder, file), "utf8")),
  }));
  const having = (section: (typeof SECTIONS)[number]): readonly Scenario[] =>
    scenarios.filter(({ scenario }) => scenario[section] !== undefined);

  test("there is a scenario of every kind, and none of another kind", () => {
    for (const section of SECTIONS) expect(having(section).length).toBeGreaterThan(0);
    expect(SECTIONS.flatMap((section) => having(section)).length).toBe(scenarios.length);
  });
  return having;
}

/** The object in a field. */
export function objectIn(holder: JsonObject, field: string): JsonObject {
  const value = holder[field];
  if (!isJsonObject(value)) throw new Error(`no object ${field}`);
  return value;
}

/** The array in a field. */
export function listIn(holder: JsonObject, field: string): readonly Json[] {
  const value = holder[field];
  if (!Array.isArray(value)) throw new Error(`no array ${field}`);
  return value;
}

/** The objects of the array in a field. */
export function objectsIn(holder: JsonObject, field: string): readonly JsonObject[] {
  return listIn(holder, field).map((value) => {
    if (!isJsonObject(value)) throw new Error(`not an object in ${field}`);
    return value;
  });
}

/** The answer of a provider that an entry of `errors` tells of. */
export function failureIn(entry: JsonObject): {
  readonly status: number;
  readonly body: string;
  readonly headers: Headers;
} {
  const { status, body, headers: given } = entry;
  const headers = new Headers();
  for (const [field, value] of Object.entries(isJsonObject(given) ? given : {})) {
    if (typeof value === "string") headers.set(field, value);
  }
  return {
    status: Number(status),
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers,
  };
}
