/**
 * What the fields of this dialect may hold. Hand-written checks instead of compiled schemas: every request passes here, also
 * those that go upstream verbatim, and one walk both checks and translates. A path is put together only when something is wrong.
 */
import { ChatError } from "../hub/error.ts";
import { isJsonObject, type Json, type JsonObject } from "../hub/json.ts";
import type { Unmapped } from "../hub/request.ts";

/** What is read-only in the hub, while it is put together. */
export type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Where in the body the reader stands: `["messages", 2, "content"]`. */
export type Trail = (string | number)[];

/** The state of one walk through a body. */
export type Reading = { readonly trail: Trail; readonly unmapped: Map<string, boolean> };

/** Lists of what could not be mapped stay short, however wild the body. */
const MOST_UNMAPPED = 64;

/** Starts a walk. */
export function startReading(): Reading {
  return { trail: [], unmapped: new Map() };
}

/** `["messages", 2, "content"]` as `messages[2].content`. */
function pathOf(trail: Trail): string {
  let path = "";
  for (const step of trail) {
    if (typeof step === "number") path += `[${step}]`;
    else path += path === "" ? step : `.${step}`;
  }
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}

function describe(value: Json | undefined): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  if (typeof value === "object") return "an object";
  if (typeof value !== "string") return `the ${typeof value} ${String(value)}`;
  const shown = value.length > 40 ? `${value.slice(0, 40)}…` : value;
  return `the string ${JSON.stringify(shown)}`;
}

/** The error for a field that holds something else than it may, naming field, found and expected. */
export function fault(
  { trail }: Reading,
  field: string | number | undefined,
  found: Json | undefined,
  expected: string,
): ChatError {
  const param = pathOf(field === undefined ? trail : [...trail, field]);
  return new ChatError(
    "invalid-request",
    `${param}: expected ${expected}, found ${describe(found)}`,
    {
      param,
      code: found === undefined ? "missing_required_parameter" : "invalid_type",
    },
  );
}

/** A field that must hold a string. Like all that follow it throws ChatError, naming the field, for anything else. */
export function asString(
  reading: Reading,
  field: string | number,
  value: Json | undefined,
): string {
  if (typeof value === "string") return value;
  throw fault(reading, field, value, "a string");
}

/** A field that must be true or false. */
export function asBoolean(reading: Reading, field: string, value: Json | undefined): boolean {
  if (typeof value === "boolean") return value;
  throw fault(reading, field, value, "true or false");
}

/** A field that must hold a number. */
export function asNumber(reading: Reading, field: string, value: Json | undefined): number {
  // JSON.parse turns 1e400 into Infinity, which no JSON can say again.
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw fault(reading, field, value, "a number");
}

/** A field that must hold a whole number. */
export function asInteger(reading: Reading, field: string, value: Json | undefined): number {
  if (typeof value === "number" && Number.isInteger(value)) return value;
  throw fault(reading, field, value, "an integer");
}

/** A field that must hold an object. */
export function asObject(
  reading: Reading,
  field: string | number,
  value: Json | undefined,
): JsonObject {
  if (isJsonObject(value)) return value;
  throw fault(reading, field, value, "an object");
}

/** A field that must hold an array. */
export function asArray(reading: Reading, field: string, value: Json | undefined): readonly Json[] {
  if (isJsonArray(value)) return value;
  throw fault(reading, field, value, "an array");
}

/** An array of strings. */
export function asStrings(
  reading: Reading,
  field: string,
  value: Json | undefined,
): readonly string[] {
  const list = asArray(reading, field, value);
  reading.trail.push(field);
  const strings = list.map((entry, index) => asString(reading, index, entry));
  reading.trail.pop();
  return strings;
}

/** An object whose values are all read alike. */
export function asRecord<Value>(
  reading: Reading,
  field: string,
  value: Json | undefined,
  read: (reading: Reading, field: string, value: Json | undefined) => Value,
): Readonly<Record<string, Value>> {
  const map = asObject(reading, field, value);
  reading.trail.push(field);
  const entries = Object.entries(map).map(
    ([name, entry]) => [name, read(reading, name, entry)] as const,
  );
  reading.trail.pop();
  return Object.fromEntries(entries);
}

/** Throws ChatError for a body that names no model or holds no message, which no dialect can do without. */
export function assertAsks(reading: Reading, body: JsonObject): void {
  if (textOf(body["model"]) === undefined) {
    throw fault(reading, "model", body["model"], "the name of a model");
  }
  const messages = body["messages"];
  if (!isJsonArray(messages) || messages.length === 0) {
    throw fault(reading, "messages", messages, "an array with at least one message");
  }
}

/** True for a JSON array. */
export function isJsonArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** The value if it is a string with something in it. */
export function textOf(value: Json | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * Notes a field that the hub has no place for. The name may come from the caller and ends up in a header: only harmless
 * characters survive.
 */
export function note({ unmapped }: Reading, field: string, harmless: boolean): void {
  const name = field.replace(/[^\w[\].:-]/g, "?").slice(0, 80);
  if (unmapped.get(name) === false) return;
  // A refusal must never be lost to the limit, so one that does not fit takes the first harmless entry's place.
  if (unmapped.size >= MOST_UNMAPPED && !unmapped.has(name)) {
    if (harmless) return;
    const spare = [...unmapped].find(([, isHarmless]) => isHarmless);
    if (!spare) return;
    unmapped.delete(spare[0]);
  }
  unmapped.set(name, harmless);
}

/** Notes the thing at the current place, optionally one step further, as something the answer depends on. */
export function noteHere(reading: Reading, field?: string | number): void {
  note(reading, pathOf(field === undefined ? reading.trail : [...reading.trail, field]), false);
}

/** What has been noted, in order of appearance. */
export function unmappedOf({ unmapped }: Reading): readonly Unmapped[] {
  if (unmapped.size === 0) return NOTHING;
  return Array.from(unmapped, ([field, harmless]) => ({ field, harmless }));
}

const NOTHING: readonly Unmapped[] = [];
