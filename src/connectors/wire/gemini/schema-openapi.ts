/** The older `Schema`, a subset of OpenAPI 3.0: https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/Schema */
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { isJsonArray } from "../walk.ts";
import type { Growing, SchemaPlace } from "./schema-walk.ts";
import { cleanSchema } from "./schema.ts";

const FORMATS: ReadonlySet<string> = new Set([
  "enum",
  "date-time",
  "int32",
  "int64",
  "float",
  "double",
]);

function isNull(schema: JsonObject): boolean {
  return schema["type"] === "null";
}

/** One type is a name in capitals, null is a flag, and several are alternatives. */
function writeType(type: Json | undefined, out: Growing): void {
  const types = (isJsonArray(type) ? type : [type]).filter((each) => typeof each === "string");
  const real = types.filter((each) => each !== "null");
  if (real.length < types.length) out["nullable"] = true;
  if (real.length === 1) out["type"] = real[0]?.toUpperCase();
  else if (real.length > 1) out["anyOf"] = real.map((each) => ({ type: each.toUpperCase() }));
}

function write(place: SchemaPlace, schema: JsonObject): JsonObject {
  const out: Growing = {};
  writeType(schema["type"], out);
  for (const [keyword, value] of Object.entries(schema)) {
    switch (keyword) {
      case "type":
        break;
      case "properties": {
        const properties: Growing = Object.create(null);
        for (const [name, entry] of Object.entries(isJsonObject(value) ? value : {})) {
          if (isJsonObject(entry)) properties[name] = write(place, entry);
        }
        out[keyword] = properties;
        break;
      }
      case "items":
        if (isJsonObject(value)) out[keyword] = write(place, value);
        break;
      case "prefixItems": {
        // A tuple's places become alternatives for all of its items.
        place.drop(`${place.field}.${keyword}`);
        const list = (isJsonArray(value) ? value : []).filter(isJsonObject);
        out["items"] ??= { anyOf: list.map((each) => write(place, each)) };
        break;
      }
      case "anyOf":
      case "oneOf": {
        const list = (isJsonArray(value) ? value : []).filter(isJsonObject);
        const real = list.filter((each) => !isNull(each));
        if (real.length < list.length) out["nullable"] = true;
        const [only] = real;
        if (real.length === 1 && only) Object.assign(out, write(place, only));
        else if (real.length > 1) out["anyOf"] = real.map((each) => write(place, each));
        break;
      }
      case "enum":
        if (isJsonArray(value) && value.every((each) => typeof each === "string")) {
          out[keyword] = value;
          out["type"] ??= "STRING";
        } else place.drop(`${place.field}.${keyword}`);
        break;
      case "format":
        if (typeof value === "string" && FORMATS.has(value)) out[keyword] = value;
        else place.drop(`${place.field}.${keyword}`);
        break;
      case "additionalProperties":
        if (isJsonObject(value)) place.drop(`${place.field}.${keyword}`);
        break;
      default:
        out[keyword] = value;
    }
  }
  // A list must say what it holds.
  if (out["type"] === "ARRAY") out["items"] ??= { type: "STRING" };
  return out;
}

/** A caller's JSON Schema in the older shape; references are put in place, circles are refused. */
export function toOpenApiSchema(schema: JsonObject, place: SchemaPlace): JsonObject {
  return write(place, cleanSchema(schema, { ...place, inline: true }));
}
