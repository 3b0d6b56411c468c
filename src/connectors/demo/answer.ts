import type { ChatRequest } from "../hub/request.ts";

/** One block of an answer, whole. `hidden` reasoning is paid for and not shown. */
export type Block =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "reasoning"; readonly text: string; readonly hidden: boolean }
  | {
      readonly type: "tool-call";
      readonly id: string;
      readonly name: string;
      readonly arguments: string;
    };

/** What a demo model says, before limits, stop sequences and pace. */
export type Answer = {
  readonly blocks: readonly Block[];
  /** Where it goes wrong: silent from the start, or cut off or silent after half of its tokens. */
  readonly fault?: "silent" | "cut" | "stall";
};

export type DemoModel = {
  readonly id: string;
  /** What it does, for the list of models. */
  readonly title: string;
  /** Whether it thinks when asked to; other models leave the request for it aside and say so. */
  readonly reasons?: true;
  /** The same for the same request. Throws ChatError. */
  answer(request: ChatRequest): Answer;
};
