import type { Json, JsonObject } from "../../hub/json.ts";
import type { ChatRequest, OutputFormat, Tool, ToolChoice } from "../../hub/request.ts";
import { cannot } from "../writing.ts";
import { encodeCache, type Writing } from "./egress-part.ts";
import { isSupported } from "./quirks.ts";

function encodeTool(writing: Writing, tool: Tool): JsonObject {
  const strict = tool.strict !== undefined && isSupported(writing.quirks, "strictTools");
  if (tool.strict && !strict) writing.drop("tools[].strict");
  return {
    type: "function",
    function: {
      name: tool.name,
      ...(tool.description === undefined ? {} : { description: tool.description }),
      ...(tool.parameters === undefined ? {} : { parameters: tool.parameters }),
      ...(strict ? { strict: tool.strict } : {}),
    },
    ...encodeCache(writing, tool.cache),
  };
}

function named(name: string): JsonObject {
  return { type: "function", function: { name } };
}

function encodeChoice(choice: ToolChoice, inPlace: boolean): Json {
  switch (choice.type) {
    case "auto":
    case "none":
    case "required":
      return choice.type;
    case "tool":
      return named(choice.name);
    case "allowed":
      if (!inPlace) return choice.mode;
      return {
        type: "allowed_tools",
        allowed_tools: { mode: choice.mode, tools: choice.names.map(named) },
      };
  }
}

/** `tools`, `tool_choice` and `parallel_tool_calls`. */
export function encodeTools(writing: Writing, request: ChatRequest): JsonObject {
  const { toolChoice: choice, parallelToolCalls: parallel } = request;
  const { quirks } = writing;
  let { tools } = request;
  if (tools.length > 0 && !isSupported(quirks, "tools")) throw cannot("tools", "tools");
  const inPlace = isSupported(quirks, "allowedTools");
  if (choice?.type === "allowed" && !inPlace) {
    // Tools that are not offered cannot be called: the same answer, said with what every host knows.
    const names = new Set(choice.names);
    tools = tools.filter((tool) => names.has(tool.name));
  }
  if (parallel === false && !isSupported(quirks, "parallelToolCalls")) {
    throw cannot("parallel_tool_calls", "a limit of one tool call at a time");
  }
  return {
    ...(tools.length > 0 ? { tools: tools.map((tool) => encodeTool(writing, tool)) } : {}),
    // Hosts refuse a choice among no tools.
    ...(choice && tools.length > 0 ? { tool_choice: encodeChoice(choice, inPlace) } : {}),
    ...(parallel !== undefined && isSupported(quirks, "parallelToolCalls") && tools.length > 0
      ? { parallel_tool_calls: parallel }
      : {}),
  };
}

/** `response_format`; plain text, the default everywhere, goes without saying. */
export function encodeOutput({ quirks }: Writing, output: OutputFormat | undefined): JsonObject {
  switch (output?.type) {
    case undefined:
    case "text":
      return {};
    case "json":
      if (!isSupported(quirks, "jsonObject")) throw cannot("response_format", "JSON output");
      return { response_format: { type: "json_object" } };
    case "json-schema": {
      if (!isSupported(quirks, "jsonSchema")) throw cannot("response_format", "a JSON schema");
      const { name, schema, description, strict } = output;
      return {
        response_format: {
          type: "json_schema",
          json_schema: {
            name,
            ...(description === undefined ? {} : { description }),
            schema,
            ...(strict === undefined ? {} : { strict }),
          },
        },
      };
    }
  }
}
