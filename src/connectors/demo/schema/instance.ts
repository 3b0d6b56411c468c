/** Makes a value that is valid against a JSON Schema: what a model does when it is asked for structured output. */
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { isValid, itemRules, resolveReference } from "./check.ts";
import { mergeSchemas, omitKeywords } from "./merge.ts";
import { sampleOf } from "./pattern.ts";
import { bound, createNumber, createText } from "./scalar.ts";

/** No value could be made; the message names the path and why. */
export class SchemaError extends Error {
  override readonly name = "SchemaError";
}

/** Below this, optional fields are left out and `null` is preferred, so that recursive schemas end. */
const SHALLOW = 4;
const DEEPEST = 48;
const MOST_VALUES = 5000;

type Work = {
  readonly root: JsonObject;
  readonly words: readonly string[];
  nextWord: number;
  made: number;
};

/** Where a value stands, and which of the values possible there is wanted. */
type Place = { readonly path: string; readonly depth: number; readonly variant: number };

function below(place: Place, path = place.path, variant = place.variant): Place {
  return { path, depth: place.depth + 1, variant };
}

function fail(place: Place, why: string): never {
  throw new SchemaError(`${place.path === "" ? "the schema" : place.path}: ${why}`);
}

function createList(work: Work, schema: JsonObject, place: Place): readonly Json[] {
  const { prefix, rest } = itemRules(schema);
  const rule = schema["contains"] ?? rest ?? {};
  const wanted = place.depth > SHALLOW || rest === false ? 0 : 1;
  const least = Math.max(bound(schema, "minItems", 0), prefix.length, wanted);
  const length = Math.min(least, bound(schema, "maxItems", Infinity), MOST_VALUES + 1);
  return Array.from({ length }, (_, index) =>
    createValue(work, prefix[index] ?? rule, below(place, `${place.path}[${index}]`, index)),
  );
}

function createRecord(work: Work, schema: JsonObject, place: Place): JsonObject {
  const properties = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const patterns = Object.entries(
    isJsonObject(schema["patternProperties"]) ? schema["patternProperties"] : {},
  );
  const required = [schema["required"] ?? []].flat().filter((name) => typeof name === "string");
  const most = bound(schema, "maxProperties", Infinity);
  const fields = new Map<string, Json>();

  const add = (name: string): void => {
    const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const matching = patterns.find(([pattern]) => new RegExp(pattern, "u").test(name))?.[1];
    const rule = own ?? matching ?? schema["additionalProperties"] ?? {};
    const path = place.path === "" ? name : `${place.path}.${name}`;
    fields.set(name, createValue(work, rule, below(place, path)));
  };

  for (const [name, rule] of Object.entries(properties)) {
    const optional = !required.includes(name);
    const unwanted = rule === false || place.depth > SHALLOW || fields.size >= most;
    if (!(optional && unwanted)) add(name);
  }
  for (const name of required) if (!fields.has(name)) add(name);
  const least = Math.min(bound(schema, "minProperties", 0), MOST_VALUES);
  const pattern = patterns[0]?.[0];
  for (let index = 1; fields.size < least && index <= least * 2; index++) {
    const sample = pattern === undefined ? undefined : sampleOf(pattern, index);
    const names = sample === undefined ? [] : [sample, `${sample}${index}`];
    const matching = names.filter((name) => new RegExp(pattern ?? "", "u").test(name));
    const name = [...matching, `field${index}`].find((one) => !fields.has(one));
    if (name !== undefined) add(name);
  }
  return Object.fromEntries(fields);
}

function kindOf(schema: JsonObject, place: Place): Json {
  const named = [schema["type"] ?? []].flat();
  const isNull = place.depth > SHALLOW;
  const preferred = named.find((type) => (type === "null") === isNull) ?? named[0];
  if (preferred !== undefined) return preferred;
  const has = (...keywords: readonly string[]): boolean =>
    keywords.some((keyword) => schema[keyword] !== undefined);
  if (has("properties", "required", "patternProperties", "minProperties")) return "object";
  if (has("items", "prefixItems", "contains", "minItems")) return "array";
  if (has("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")) {
    return "number";
  }
  return "string";
}

function createTyped(work: Work, schema: JsonObject, place: Place): Json {
  const kind = kindOf(schema, place);
  if (kind === "null") return null;
  if (kind === "boolean") return place.variant % 2 === 0;
  if (kind === "integer") return createNumber(schema, true, place.variant);
  if (kind === "number") return createNumber(schema, false, place.variant);
  if (kind === "array") return createList(work, schema, place);
  if (kind === "object") return createRecord(work, schema, place);
  const name = /([^.[\]]*)(?:\[\d+\])*$/u.exec(place.path)?.[1] ?? "";
  const plain = place.variant === 0 ? name : `${name} ${place.variant + 1}`;
  const text = createText(schema, work.words[work.nextWord++] ?? plain, place.variant);
  return (
    text ?? fail(place, `no string was found for the pattern ${JSON.stringify(schema["pattern"])}`)
  );
}

/** Lower is tried first. Deep down `null` and what refers to nothing come first; higher up `null` comes last. */
function rankBranch(branch: Json, place: Place): number {
  const isNull = isJsonObject(branch) && branch["type"] === "null";
  if (place.depth <= SHALLOW) return isNull ? 1 : 0;
  if (isNull) return 0;
  return isJsonObject(branch) && branch["$ref"] !== undefined ? 2 : 1;
}

function createBranch(
  work: Work,
  schema: JsonObject,
  branches: readonly Json[],
  place: Place,
): Json {
  const base = omitKeywords(schema, "anyOf", "oneOf");
  let reason: unknown;
  for (const branch of branches.toSorted((a, b) => rankBranch(a, place) - rankBranch(b, place))) {
    try {
      const rule = isJsonObject(branch) ? mergeSchemas(base, branch) : branch && base;
      const candidate = createValue(work, rule, below(place));
      if (isValid(schema, candidate, work.root)) return candidate;
    } catch (error) {
      if (!(error instanceof SchemaError)) throw error;
      reason = error;
    }
  }
  throw reason instanceof SchemaError ? reason : fail(place, "no branch gives a valid value");
}

function follow(work: Work, rule: Json, place: Place): Json {
  if (!isJsonObject(rule) || typeof rule["$ref"] !== "string") return rule;
  const target = resolveReference(work.root, rule["$ref"]);
  if (target === undefined) fail(place, `nothing stands at ${rule["$ref"]}`);
  return isJsonObject(target) ? mergeSchemas(target, omitKeywords(rule, "$ref")) : target;
}

function createValue(work: Work, rule: Json, place: Place): Json {
  work.made += 1;
  if (work.made > MOST_VALUES || place.depth > DEEPEST) fail(place, "the schema has no end");
  if (rule === false) fail(place, "the schema allows no value");
  const schema = isJsonObject(rule) ? rule : {};
  if (typeof schema["$ref"] === "string") {
    return createValue(work, follow(work, schema, place), below(place));
  }
  if (Array.isArray(schema["allOf"])) {
    const parts = schema["allOf"].map((part) => follow(work, part, place)).filter(isJsonObject);
    const whole = parts.reduce(mergeSchemas, omitKeywords(schema, "allOf"));
    return createValue(work, whole, below(place));
  }
  const branches = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(branches)) return createBranch(work, schema, branches, place);
  if (schema["const"] !== undefined) return schema["const"];
  if (Array.isArray(schema["enum"])) {
    const allowed = schema["enum"].filter((one) => isValid(schema, one, work.root));
    const chosen = allowed[place.variant % allowed.length];
    return chosen === undefined ? fail(place, "no value of the enum fits") : chosen;
  }
  return createTyped(work, schema, place);
}

/**
 * A valid value, the same for the same arguments. Strings that the schema leaves free are taken from `words` in turn,
 * beginning at `variant`, so that arguments have to do with what was asked. Throws SchemaError.
 */
export function createInstance(root: JsonObject, words: readonly string[], variant = 0): Json {
  try {
    const work: Work = { root, words, nextWord: variant, made: 0 };
    const instance = createValue(work, root, { path: "", depth: 0, variant: 0 });
    if (isValid(root, instance)) return instance;
  } catch (error) {
    // new RegExp throws it on a pattern that is no regular expression.
    if (error instanceof SyntaxError) throw new SchemaError(error.message, { cause: error });
    throw error;
  }
  throw new SchemaError("the schema: no valid value was found");
}
