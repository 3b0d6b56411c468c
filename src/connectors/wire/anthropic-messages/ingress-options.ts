import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type {
  OutputFormat,
  ReasoningEffort,
  ReasoningRequest,
  Tool,
  ToolChoice,
} from "../../hub/request.ts";
import {
  asArray,
  asBoolean,
  asInteger,
  asObject,
  asString,
  note,
  noteHere,
  type Reading,
  type Writable,
} from "../walk.ts";
import { withCache } from "./blocks.ts";

/** A wish about thinking under construction: `thinking` and `output_config` both add to it. */
export type ReasoningDraft = Writable<ReasoningRequest>;

const EFFORTS: ReadonlySet<string> = new Set(["low", "medium", "high", "xhigh", "max"]);
const TOOL_FIELDS = new Set([
  "type",
  "name",
  "description",
  "input_schema",
  "strict",
  "cache_control",
]);
/** The dialect names no schema; this name goes to dialects that must have one, and comes back as none. */
const SCHEMA_NAME = "response";

function isEffort(value: Json | undefined): value is ReasoningEffort {
  return typeof value === "string" && EFFORTS.has(value);
}

/** `thinking`: enabled with a budget, adaptive, or off; what nobody here knows yet is noted. */
export function decodeThinking(reading: Reading, value: Json, draft: ReasoningDraft): void {
  const wish = asObject(reading, "thinking", value);
  reading.trail.push("thinking");
  const type = asString(reading, "type", wish["type"]);
  if (type === "enabled") {
    draft.enabled = true;
    const budget = wish["budget_tokens"] ?? undefined;
    if (budget !== undefined) draft.budgetTokens = asInteger(reading, "budget_tokens", budget);
  } else if (type === "adaptive") draft.adaptive = true;
  // The second is how the newest models are told to think no more than they must.
  else if (type === "disabled" || type === "between_tools") draft.enabled = false;
  else noteHere(reading, "type");
  const display = wish["display"];
  if (display === "omitted") draft.hidden = true;
  else if (display === "summarized") draft.hidden = false;
  reading.trail.pop();
}

/** A format of the answer: `output_config.format`, or the older `output_format`. */
export function decodeFormat(
  reading: Reading,
  field: string,
  value: Json,
): OutputFormat | undefined {
  const format = asObject(reading, field, value);
  reading.trail.push(field);
  const isSchema = asString(reading, "type", format["type"]) === "json_schema";
  const schema = isSchema ? asObject(reading, "schema", format["schema"]) : undefined;
  reading.trail.pop();
  if (schema === undefined) {
    noteHere(reading, field);
    return undefined;
  }
  return { type: "json-schema", name: SCHEMA_NAME, schema, strict: true };
}

/** `output_config`: effort and format. */
export function decodeOutputConfig(
  reading: Reading,
  value: Json,
  draft: ReasoningDraft,
): OutputFormat | undefined {
  const config = asObject(reading, "output_config", value);
  let output: OutputFormat | undefined;
  reading.trail.push("output_config");
  for (const field in config) {
    const entry = config[field];
    if (entry === null || entry === undefined) continue;
    if (field === "effort" && isEffort(entry)) draft.effort = entry;
    else if (field === "format") output = decodeFormat(reading, field, entry);
    else note(reading, `output_config.${field}`, true);
  }
  reading.trail.pop();
  return output;
}

function decodeTool(reading: Reading, entry: JsonObject): Tool {
  const description = entry["description"] ?? undefined;
  const strict = entry["strict"] ?? undefined;
  for (const field in entry) {
    if (!TOOL_FIELDS.has(field)) note(reading, `tools[].${field}`, true);
  }
  return {
    name: asString(reading, "name", entry["name"]),
    ...(description === undefined
      ? {}
      : { description: asString(reading, "description", description) }),
    parameters: asObject(reading, "input_schema", entry["input_schema"]),
    ...(strict === undefined ? {} : { strict: asBoolean(reading, "strict", strict) }),
  };
}

/** `tools`; those that Anthropic runs or defines itself are noted, since the answer depends on them. */
export function decodeTools(reading: Reading, value: Json): readonly Tool[] {
  const tools: Tool[] = [];
  const list = asArray(reading, "tools", value);
  reading.trail.push("tools");
  for (const [index, item] of list.entries()) {
    const entry = asObject(reading, index, item);
    reading.trail.push(index);
    if ((entry["type"] ?? "custom") === "custom") {
      tools.push(withCache(decodeTool(reading, entry), entry));
    } else {
      noteHere(reading);
    }
    reading.trail.pop();
  }
  reading.trail.pop();
  return tools;
}

/** `tool_choice`, and whether several calls at once are allowed if it says so; a choice that nobody here knows is noted. */
export function decodeToolChoice(
  reading: Reading,
  value: Json,
): { readonly toolChoice?: ToolChoice; readonly parallelToolCalls?: boolean } {
  const choice = asObject(reading, "tool_choice", value);
  reading.trail.push("tool_choice");
  const type = asString(reading, "type", choice["type"]);
  let toolChoice: ToolChoice | undefined;
  if (type === "auto" || type === "none") toolChoice = { type };
  else if (type === "any") toolChoice = { type: "required" };
  else if (type === "tool") {
    toolChoice = { type: "tool", name: asString(reading, "name", choice["name"]) };
  } else noteHere(reading, "type");
  const disabled = choice["disable_parallel_tool_use"] ?? undefined;
  const single =
    disabled === undefined ? undefined : asBoolean(reading, "disable_parallel_tool_use", disabled);
  reading.trail.pop();
  return {
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(single === undefined ? {} : { parallelToolCalls: !single }),
  };
}

/** `metadata.user_id`. */
export function decodeUser(value: Json): string | undefined {
  const user = isJsonObject(value) ? value["user_id"] : undefined;
  return typeof user === "string" ? user : undefined;
}
