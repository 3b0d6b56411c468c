import type { DemoModel } from "../answer.ts";
import { shapeText } from "../shape.ts";
import { lastUserTurn } from "../prompt.ts";

/** Says the last user turn again, so that a caller sees exactly what arrived. */
export const echo: DemoModel = {
  id: "echo",
  title: "says your last message back and names the media in it",
  answer: (request) => ({
    blocks: [shapeText(request, lastUserTurn(request.messages) ?? "Nobody has said anything yet.")],
  }),
};
