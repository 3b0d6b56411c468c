import type { JsonObject } from "../../hub/json.ts";
import type { ChatRequest, OutputFormat, Tool } from "../../hub/request.ts";
import { cannot } from "../writing.ts";
import { toOpenApiSchema } from "./schema-openapi.ts";
import { cleanSchema } from "./schema.ts";
import type { Writing } from "./writing.ts";

function isOpenApi({ quirks, traits }: Writing): boolean {
  return (quirks.schemas ?? traits.schemas) === "openapi";
}

function hasProperties(schema: JsonObject): boolean {
  const { properties } = schema;
  return (
    typeof properties === "object" && properties !== null && Object.keys(properties).length > 0
  );
}

function encodeParameters(writing: Writing, schema: JsonObject | undefined): JsonObject {
  if (schema === undefined) return {};
  const place = { field: "tools[].parameters", binding: false, drop: writing.drop };
  if (!isOpenApi(writing)) return { parametersJsonSchema: cleanSchema(schema, place) };
  // The older shape has no word for an object without properties.
  const parameters = toOpenApiSchema(schema, place);
  return hasProperties(parameters) ? { parameters } : {};
}

function encodeTool(writing: Writing, tool: Tool): JsonObject {
  if (tool.cache !== undefined) writing.drop("cache_control");
  return {
    name: tool.name,
    ...(tool.description === undefined ? {} : { description: tool.description }),
    ...encodeParameters(writing, tool.parameters),
  };
}

/** Strict tools want their schemas obeyed, which without a duty to call is a mode of its own. */
function encodeMode(request: ChatRequest, tools: readonly Tool[]): JsonObject | undefined {
  const { toolChoice: choice } = request;
  const isStrict = tools.some((tool) => tool.strict);
  switch (choice?.type) {
    case undefined:
      return isStrict ? { mode: "VALIDATED" } : undefined;
    case "auto":
      return { mode: isStrict ? "VALIDATED" : "AUTO" };
    case "none":
      return { mode: "NONE" };
    case "required":
      return { mode: "ANY" };
    case "tool":
      return { mode: "ANY", allowedFunctionNames: [choice.name] };
    case "allowed":
      return choice.mode === "required"
        ? { mode: "ANY", allowedFunctionNames: choice.names }
        : { mode: isStrict ? "VALIDATED" : "AUTO" };
  }
}

/** `tools` and `toolConfig`. */
export function encodeTools(writing: Writing, request: ChatRequest): JsonObject {
  const { toolChoice: choice } = request;
  let { tools } = request;
  if (choice?.type === "allowed" && choice.mode === "auto") {
    // Names go only with a duty to call; tools that are not offered cannot be called either.
    const names = new Set(choice.names);
    tools = tools.filter((tool) => names.has(tool.name));
  }
  if (tools.length === 0) return {};
  if (request.parallelToolCalls === false) {
    throw cannot("parallel_tool_calls", "a limit of one tool call at a time");
  }
  const functionCallingConfig = encodeMode(request, tools);
  return {
    tools: [{ functionDeclarations: tools.map((tool) => encodeTool(writing, tool)) }],
    ...(functionCallingConfig === undefined ? {} : { toolConfig: { functionCallingConfig } }),
  };
}

/** The fields of `generationConfig` that shape the answer's text; plain text goes without saying. */
export function encodeOutput(
  writing: Writing,
  output: OutputFormat | undefined,
  hasTools: boolean,
): JsonObject {
  if (output === undefined || output.type === "text") return {};
  if (hasTools && !writing.traits.jsonWithTools) {
    throw cannot("response_format", "tools together with an answer in JSON");
  }
  const responseMimeType = "application/json";
  if (output.type === "json") return { responseMimeType };
  const place = { field: "response_format.schema", binding: true, drop: writing.drop };
  const schema =
    output.description === undefined
      ? output.schema
      : { description: output.description, ...output.schema };
  return isOpenApi(writing)
    ? { responseMimeType, responseSchema: toOpenApiSchema(schema, place) }
    : { responseMimeType, responseJsonSchema: cleanSchema(schema, place) };
}
