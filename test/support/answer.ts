/**
 * What an answer in OpenAI's shape says, read without any of the product's code: the sum of a stream's chunks, or a whole
 * reply. Tests read the recording's own bytes and the SDK's objects with it and compare.
 */
import { isJsonObject, type Json, type JsonObject } from "../../src/connectors/hub/json.ts";
import { list, text } from "./json.ts";

export type ToolCall = { readonly id: string; readonly name: string; readonly arguments: string };

/** The first choice of an answer. */
export type Answer = {
  readonly text: string;
  readonly refusal: string;
  /** Under either name that hosts use. */
  readonly reasoning: string;
  /** OpenRouter's opaque blocks, as they came. */
  readonly reasoningDetails: readonly Json[];
  readonly tools: readonly ToolCall[];
  readonly annotations: readonly Json[];
  readonly finish: string | undefined;
  readonly usage: JsonObject | undefined;
};

type Growing = { -readonly [K in keyof Answer]: Answer[K] };

/** Adds up chunks of a stream, or reads the one reply in the list. */
export function readAnswer(objects: readonly JsonObject[]): Answer {
  const answer: Growing = {
    text: "",
    refusal: "",
    reasoning: "",
    reasoningDetails: [],
    tools: [],
    annotations: [],
    finish: undefined,
    usage: undefined,
  };
  const tools = new Map<number, { id: string; name: string; arguments: string }>();
  for (const object of objects) {
    if (isJsonObject(object["usage"])) answer.usage = object["usage"];
    const choice = list(object["choices"]).find(
      (one) => isJsonObject(one) && (one["index"] ?? 0) === 0,
    );
    if (!isJsonObject(choice)) continue;
    if (typeof choice["finish_reason"] === "string") answer.finish = choice["finish_reason"];
    const said = choice["delta"] ?? choice["message"];
    if (!isJsonObject(said)) continue;
    answer.text += text(said["content"]);
    answer.refusal += text(said["refusal"]);
    answer.reasoning += text(said["reasoning"]) + text(said["reasoning_content"]);
    answer.reasoningDetails = [...answer.reasoningDetails, ...list(said["reasoning_details"])];
    answer.annotations = [...answer.annotations, ...list(said["annotations"])];
    list(said["tool_calls"]).forEach((call, position) => {
      if (!isJsonObject(call)) return;
      const index = typeof call["index"] === "number" ? call["index"] : position;
      const known = tools.get(index) ?? { id: "", name: "", arguments: "" };
      const called = isJsonObject(call["function"]) ? call["function"] : {};
      tools.set(index, {
        id: known.id === "" ? text(call["id"]) : known.id,
        name: known.name + text(called["name"]),
        arguments: known.arguments + text(called["arguments"]),
      });
    });
  }
  answer.tools = [...tools.values()];
  return answer;
}
