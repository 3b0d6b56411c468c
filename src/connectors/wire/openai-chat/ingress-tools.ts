import type { Json, JsonObject } from "../../hub/json.ts";
import type { OutputFormat, Tool, ToolChoice } from "../../hub/request.ts";
import { decodeCache } from "./ingress-part.ts";
import {
  asBoolean,
  asObject,
  asString,
  fault,
  isJsonArray,
  note,
  noteHere,
  type Reading,
} from "../walk.ts";

const TOOL_FIELDS = new Set(["type", "function", "cache_control"]);

function decodeFunction(reading: Reading, body: JsonObject): Tool {
  const description = body["description"] ?? undefined;
  const parameters = body["parameters"] ?? undefined;
  const strict = body["strict"] ?? undefined;
  const cache = decodeCache(body["cache_control"]);
  return {
    name: asString(reading, "name", body["name"]),
    ...(description === undefined
      ? {}
      : { description: asString(reading, "description", description) }),
    ...(parameters === undefined
      ? {}
      : { parameters: asObject(reading, "parameters", parameters) }),
    ...(strict === undefined ? {} : { strict: asBoolean(reading, "strict", strict) }),
    ...(cache ? { cache } : {}),
  };
}

/** `tools`; those that are no functions (custom tools, a host's own tools) are noted, since the answer depends on them. */
export function decodeTools(reading: Reading, list: readonly Json[]): Tool[] {
  const tools: Tool[] = [];
  reading.trail.push("tools");
  for (const [index, value] of list.entries()) {
    const entry = asObject(reading, index, value);
    reading.trail.push(index);
    if (asString(reading, "type", entry["type"]) === "function") {
      const body = asObject(reading, "function", entry["function"]);
      reading.trail.push("function");
      const tool = decodeFunction(reading, body);
      reading.trail.pop();
      const cache = decodeCache(entry["cache_control"]);
      tools.push(cache ? { ...tool, cache } : tool);
      for (const field in entry) {
        if (!TOOL_FIELDS.has(field)) note(reading, `tools[].${field}`, true);
      }
    } else {
      noteHere(reading);
    }
    reading.trail.pop();
  }
  reading.trail.pop();
  return tools;
}

/** The legacy `functions`, which are tools without the wrapping. */
export function decodeFunctions(reading: Reading, list: readonly Json[]): Tool[] {
  reading.trail.push("functions");
  const tools = list.map((value, index) => {
    const body = asObject(reading, index, value);
    reading.trail.push(index);
    const tool = decodeFunction(reading, body);
    reading.trail.pop();
    return tool;
  });
  reading.trail.pop();
  return tools;
}

function namedFunction(reading: Reading, value: JsonObject): string {
  const body = asObject(reading, "function", value["function"]);
  reading.trail.push("function");
  const name = asString(reading, "name", body["name"]);
  reading.trail.pop();
  return name;
}

function decodeAllowed(reading: Reading, value: JsonObject): ToolChoice | undefined {
  const { trail } = reading;
  const allowed = asObject(reading, "allowed_tools", value["allowed_tools"]);
  trail.push("allowed_tools");
  const tools = allowed["tools"];
  if (!isJsonArray(tools)) throw fault(reading, "tools", tools, "an array");
  const mode = allowed["mode"] ?? "auto";
  if (mode !== "auto" && mode !== "required") {
    throw fault(reading, "mode", mode, '"auto" or "required"');
  }
  trail.push("tools");
  const names: string[] = [];
  let known = true;
  for (const [index, item] of tools.entries()) {
    const tool = asObject(reading, index, item);
    trail.push(index);
    if (tool["type"] === "function") names.push(namedFunction(reading, tool));
    else known = false;
    trail.pop();
  }
  trail.pop();
  trail.pop();
  return known ? { type: "allowed", mode, names } : undefined;
}

/** `tool_choice` in all its forms; undefined, and noted, for one that names something else than functions. */
export function decodeToolChoice(reading: Reading, value: Json): ToolChoice | undefined {
  if (value === "auto" || value === "none" || value === "required") return { type: value };
  // Mistral's word.
  if (value === "any") return { type: "required" };
  if (typeof value === "string") {
    noteHere(reading, "tool_choice");
    return undefined;
  }
  const choice = asObject(reading, "tool_choice", value);
  reading.trail.push("tool_choice");
  const type = asString(reading, "type", choice["type"]);
  let decoded: ToolChoice | undefined;
  if (type === "function") decoded = { type: "tool", name: namedFunction(reading, choice) };
  else if (type === "allowed_tools") decoded = decodeAllowed(reading, choice);
  reading.trail.pop();
  if (!decoded) noteHere(reading, "tool_choice");
  return decoded;
}

/** The legacy `function_call`. */
export function decodeFunctionCall(reading: Reading, value: Json): ToolChoice {
  if (value === "auto" || value === "none") return { type: value };
  const choice = asObject(reading, "function_call", value);
  reading.trail.push("function_call");
  const name = asString(reading, "name", choice["name"]);
  reading.trail.pop();
  return { type: "tool", name };
}

function decodeJsonSchema(reading: Reading, value: JsonObject): OutputFormat {
  const description = value["description"] ?? undefined;
  const strict = value["strict"] ?? undefined;
  const name = value["name"] ?? "response";
  return {
    type: "json-schema",
    name: asString(reading, "name", name),
    schema: asObject(reading, "schema", value["schema"] ?? {}),
    ...(description === undefined
      ? {}
      : { description: asString(reading, "description", description) }),
    ...(strict === undefined ? {} : { strict: asBoolean(reading, "strict", strict) }),
  };
}

/** `response_format`; undefined, and noted, for a kind (grammars) that the hub does not have. */
export function decodeOutput(reading: Reading, value: Json): OutputFormat | undefined {
  const format = asObject(reading, "response_format", value);
  reading.trail.push("response_format");
  const type = asString(reading, "type", format["type"]);
  let decoded: OutputFormat | undefined;
  if (type === "text") {
    decoded = { type: "text" };
  } else if (type === "json_object") {
    decoded = { type: "json" };
  } else if (type === "json_schema") {
    const schema = asObject(reading, "json_schema", format["json_schema"]);
    reading.trail.push("json_schema");
    decoded = decodeJsonSchema(reading, schema);
    reading.trail.pop();
  }
  reading.trail.pop();
  if (!decoded) noteHere(reading, "response_format");
  return decoded;
}
