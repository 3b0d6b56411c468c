/** Whether a value is valid against a JSON Schema (drafts 7 to 2020-12 without remote references; `format` is a note, as there). */
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";

/** The schema at a local reference (`#`, `#/$defs/city`); undefined when there is none. */
export function resolveReference(root: Json, reference: string): Json | undefined {
  if (!reference.startsWith("#")) return undefined;
  let found: Json | undefined = root;
  for (const step of reference.slice(1).split("/").slice(1)) {
    const name = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(found)) found = found[Number(name)];
    else if (isJsonObject(found)) found = found[name];
    else return undefined;
  }
  return found;
}

function isType(value: Json, type: Json): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isJsonObject(value);
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
}

function equals(left: Json, right: Json): boolean {
  return Bun.deepEquals(left, right);
}

/** Numbers that a keyword bounds: the value, a string's characters, an array's items or an object's fields. */
function measure(value: Json, keyword: string): number | undefined {
  if (keyword.endsWith("Length"))
    return typeof value === "string" ? Array.from(value).length : undefined;
  if (keyword.endsWith("Items")) return Array.isArray(value) ? value.length : undefined;
  if (keyword.endsWith("Properties")) {
    return isJsonObject(value) ? Object.keys(value).length : undefined;
  }
  return typeof value === "number" ? value : undefined;
}

/** 0.3 is a multiple of 0.1 though the floats disagree. */
function isMultiple(value: number, factor: number): boolean {
  const quotient = value / factor;
  return Math.abs(quotient - Math.round(quotient)) < 1e-9 * Math.max(1, Math.abs(quotient));
}

/** The rules of the first items in order, and of all after them; also as drafts before 2020-12 wrote it. */
export function itemRules(schema: JsonObject): {
  readonly prefix: readonly Json[];
  readonly rest: Json | undefined;
} {
  const { items, prefixItems, additionalItems } = schema;
  if (Array.isArray(items)) return { prefix: items, rest: additionalItems };
  return { prefix: Array.isArray(prefixItems) ? prefixItems : [], rest: items };
}

function isArrayValid(schema: JsonObject, value: readonly Json[], root: Json): boolean {
  const { prefix, rest = true } = itemRules(schema);
  if (!value.every((item, index) => isValid(prefix[index] ?? rest, item, root))) return false;
  if (schema["uniqueItems"] === true) {
    const repeated = value.some((item, index) =>
      value.slice(0, index).some((earlier) => equals(earlier, item)),
    );
    if (repeated) return false;
  }
  const contains = schema["contains"];
  if (contains === undefined) return true;
  const count = value.filter((item) => isValid(contains, item, root)).length;
  const most = schema["maxContains"];
  return count >= Number(schema["minContains"] ?? 1) && (typeof most !== "number" || count <= most);
}

function isObjectValid(schema: JsonObject, value: JsonObject, root: Json): boolean {
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  if (required.some((name) => typeof name === "string" && !Object.hasOwn(value, name))) {
    return false;
  }
  const properties = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const patterns = Object.entries(
    isJsonObject(schema["patternProperties"]) ? schema["patternProperties"] : {},
  );
  return Object.entries(value).every(([name, field]) => {
    if (field === undefined) return true;
    if (!isValid(schema["propertyNames"] ?? true, name, root)) return false;
    const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
    const matching = patterns.filter(([pattern]) => new RegExp(pattern, "u").test(name));
    if (own === undefined && matching.length === 0) {
      return isValid(schema["additionalProperties"] ?? true, field, root);
    }
    return [own ?? true, ...matching.map(([, other]) => other ?? true)].every((one) =>
      isValid(one, field, root),
    );
  });
}

function isCombinationValid(schema: JsonObject, value: Json, root: Json): boolean {
  const branches = (keyword: string): readonly Json[] | undefined =>
    Array.isArray(schema[keyword]) ? schema[keyword] : undefined;
  const holds = (branch: Json): boolean => isValid(branch, value, root);
  if (branches("allOf")?.every(holds) === false) return false;
  if (branches("anyOf")?.some(holds) === false) return false;
  const exactlyOne = branches("oneOf");
  if (exactlyOne && exactlyOne.filter(holds).length !== 1) return false;
  if (schema["not"] !== undefined && holds(schema["not"])) return false;
  if (schema["if"] === undefined) return true;
  return holds(schema[holds(schema["if"]) ? "then" : "else"] ?? true);
}

const LOWER_BOUNDS = ["minimum", "minLength", "minItems", "minProperties"];
const UPPER_BOUNDS = ["maximum", "maxLength", "maxItems", "maxProperties"];

/** Keywords that nobody here knows are notes, as the specification has it. Throws on a pattern that is not a regular expression. */
export function isValid(schema: Json, value: Json, root: Json = schema): boolean {
  if (!isJsonObject(schema)) return schema !== false;
  const exceeds = (keyword: string, broken: (size: number, bound: number) => boolean): boolean => {
    const bound = schema[keyword];
    const size = measure(value, keyword);
    return typeof bound === "number" && size !== undefined && broken(size, bound);
  };
  if (typeof schema["$ref"] === "string") {
    const target = resolveReference(root, schema["$ref"]);
    if (target === undefined || !isValid(target, value, root)) return false;
  }
  if (schema["const"] !== undefined && !equals(schema["const"], value)) return false;
  if (Array.isArray(schema["enum"]) && !schema["enum"].some((one) => equals(one, value))) {
    return false;
  }
  const type = schema["type"];
  if (type !== undefined && ![type].flat().some((one) => isType(value, one))) return false;
  if (LOWER_BOUNDS.some((keyword) => exceeds(keyword, (size, bound) => size < bound))) return false;
  if (UPPER_BOUNDS.some((keyword) => exceeds(keyword, (size, bound) => size > bound))) return false;
  if (exceeds("exclusiveMinimum", (size, bound) => size <= bound)) return false;
  if (exceeds("exclusiveMaximum", (size, bound) => size >= bound)) return false;
  if (exceeds("multipleOf", (size, factor) => !isMultiple(size, factor))) return false;
  const pattern = schema["pattern"];
  if (typeof pattern === "string" && typeof value === "string") {
    if (!new RegExp(pattern, "u").test(value)) return false;
  }
  if (Array.isArray(value) && !isArrayValid(schema, value, root)) return false;
  if (isJsonObject(value) && !isObjectValid(schema, value, root)) return false;
  return isCombinationValid(schema, value, root);
}
