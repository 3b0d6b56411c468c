import type { DemoModel } from "../answer.ts";
import { lastUserTurn } from "../prompt.ts";
import { shapeText } from "../shape.ts";

/** Answers in JSON whatever was asked for: valid against the schema if there is one. */
export const json: DemoModel = {
  id: "json",
  title: "answers in JSON, valid against your response_format's schema",
  answer(request) {
    const output =
      request.output?.type === "json-schema" ? request.output : { type: "json" as const };
    return { blocks: [shapeText({ ...request, output }, lastUserTurn(request.messages) ?? "")] };
  },
};
