import { ChatError } from "../../hub/error.ts";
import type { ChatRequest, Tool } from "../../hub/request.ts";
import type { Block, DemoModel } from "../answer.ts";
import { describeParts, fingerprint, lastUserTurn, openToolResults } from "../prompt.ts";
import { fillSchema, shapeText } from "../shape.ts";

const BOTH = /\bboth\b|\btwo\b|两|二者|同时/iu;
const ALL = /\ball\b|\bevery\b|\beach\b|所有|全部|都/iu;

type Choice = { readonly tools: readonly Tool[]; readonly must: boolean };

function toolNamed(request: ChatRequest, name: string): Tool {
  const tool = request.tools.find((candidate) => candidate.name === name);
  if (tool) return tool;
  const names = request.tools.map((candidate) => candidate.name).join(", ");
  throw new ChatError(
    "invalid-request",
    `tool_choice: no tool is called "${name}"; offered: ${names || "none"}`,
    { param: "tool_choice" },
  );
}

/** The tools that may be called, and whether one must. */
function choiceOf(request: ChatRequest): Choice {
  const choice = request.toolChoice ?? { type: "auto" };
  if (choice.type === "none") return { tools: [], must: false };
  if (choice.type === "tool") return { tools: [toolNamed(request, choice.name)], must: true };
  if (choice.type === "allowed") {
    return {
      tools: choice.names.map((name) => toolNamed(request, name)),
      must: choice.mode === "required",
    };
  }
  return { tools: request.tools, must: choice.type === "required" };
}

/** The tools to call at once. "both" makes two calls and "all" one of each, unless calls must come one by one. */
function pickTools(request: ChatRequest, tools: readonly Tool[], prompt: string): readonly Tool[] {
  const named = tools.filter((tool) => prompt.toLowerCase().includes(tool.name.toLowerCase()));
  const ordered = [...named, ...tools.filter((tool) => !named.includes(tool))];
  const [first, second] = ordered;
  if (!first) return [];
  if (request.parallelToolCalls === false) return [first];
  if (named.length > 1) return named;
  if (BOTH.test(prompt)) return [first, second ?? first];
  return ALL.test(prompt) ? ordered : [first];
}

function callsOf(request: ChatRequest, tools: readonly Tool[]): readonly Block[] {
  const id = fingerprint(request);
  const made = new Map<string, number>();
  return tools.map((tool, index) => {
    const variant = made.get(tool.name) ?? 0;
    made.set(tool.name, variant + 1);
    const schema = tool.parameters ?? { type: "object" };
    const param = `tools[${request.tools.indexOf(tool)}].function.parameters`;
    return {
      type: "tool-call",
      id: `call_demo_${id}_${index}`,
      name: tool.name,
      arguments: fillSchema(request, schema, param, variant),
    };
  });
}

function report(request: ChatRequest): string {
  return openToolResults(request.messages)
    .map(({ result, call }) => {
      const name = call?.name ?? result.toolCallId;
      const asked = call ? `${name}(${call.arguments})` : name;
      return `${asked} ${result.isError === true ? "failed with" : "says"}: ${describeParts(result.parts)}`;
    })
    .join("\n");
}

/** Calls a tool that fits, and answers with what the tools gave back. */
export const tools: DemoModel = {
  id: "tools",
  title: 'calls your tools (two at once if you ask for "both"), then answers with their results',
  answer(request) {
    const { tools: allowed, must } = choiceOf(request);
    if (must && allowed.length === 0) {
      throw new ChatError(
        "invalid-request",
        "tool_choice: a call is required but no tool is offered",
        {
          param: "tool_choice",
        },
      );
    }
    const results = report(request);
    if (must || (results === "" && allowed.length > 0)) {
      const picked = pickTools(request, allowed, lastUserTurn(request.messages) ?? "");
      return { blocks: callsOf(request, picked) };
    }
    const text =
      results ||
      (request.tools.length === 0
        ? "I would call a tool, but you offered none."
        : "I would call a tool, but tool_choice forbids it.");
    return { blocks: [shapeText(request, text)] };
  },
};
