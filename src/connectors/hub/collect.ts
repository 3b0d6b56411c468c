import type { ChatEvent, FinishReason } from "./event.ts";
import type { JsonObject } from "./json.ts";
import type { Part } from "./request.ts";
import type { Usage } from "./usage.ts";

/** A whole answer: what the events of its stream add up to. */
export type ChatReply = {
  readonly id?: string;
  readonly model?: string;
  /** Unix seconds. */
  readonly created?: number;
  /** Blocks in the order in which they opened. */
  readonly parts: readonly Part[];
  readonly annotations: readonly JsonObject[];
  readonly logprobs?: {
    readonly content: readonly JsonObject[];
    readonly refusal?: readonly JsonObject[];
  };
  readonly usage?: Usage;
  readonly finish: FinishReason;
  readonly stopSequence?: string;
  readonly nativeFinish?: string;
};

type Mutable<T> = T extends unknown ? { -readonly [K in keyof T]: T[K] } : never;
type Block = Mutable<Extract<Part, { type: "text" | "refusal" | "reasoning" | "tool-call" }>>;

/** The one fold from events to a reply, so that streamed and unstreamed answers cannot disagree. */
export type Collector = {
  push(event: ChatEvent): void;
  /** What has been collected so far; `finish` is `stop` when the stream gave none. */
  reply(): ChatReply;
};

/** Starts an empty fold. It keeps the whole answer in memory. */
export function createCollector(): Collector {
  const parts: Part[] = [];
  const open = new Map<number, Block>();
  const annotations: JsonObject[] = [];
  const logprobs: JsonObject[] = [];
  const refusalLogprobs: JsonObject[] = [];
  let sawLogprobs = false;
  let start: Extract<ChatEvent, { type: "start" }> | undefined;
  let finish: Extract<ChatEvent, { type: "finish" }> | undefined;
  let usage: Usage | undefined;

  const begin = (index: number, block: Block): void => {
    parts.push(block);
    open.set(index, block);
  };

  return {
    push(event) {
      switch (event.type) {
        case "start":
          start = event;
          usage = event.usage ?? usage;
          break;
        case "text-start":
          begin(event.index, { type: event.refusal ? "refusal" : "text", text: "" });
          break;
        case "text-delta":
        case "reasoning-delta": {
          const block = open.get(event.index);
          if (block && "text" in block) block.text += event.text;
          break;
        }
        case "reasoning-start":
          begin(event.index, {
            type: "reasoning",
            form: event.form,
            text: "",
            ...(event.id === undefined ? {} : { id: event.id }),
            ...(event.format === undefined ? {} : { format: event.format }),
          });
          break;
        case "reasoning-signature": {
          const block = open.get(event.index);
          if (block?.type !== "reasoning") break;
          if (event.signature !== undefined) block.signature = event.signature;
          if (event.data !== undefined) block.data = (block.data ?? "") + event.data;
          break;
        }
        case "tool-start":
          begin(event.index, {
            type: "tool-call",
            id: event.id,
            name: event.name,
            arguments: "",
            ...(event.signature === undefined ? {} : { signature: event.signature }),
          });
          break;
        case "tool-delta": {
          const block = open.get(event.index);
          if (block?.type === "tool-call") block.arguments += event.arguments;
          break;
        }
        case "text-end":
        case "reasoning-end":
        case "tool-end":
          open.delete(event.index);
          break;
        case "annotation":
          annotations.push(event.annotation);
          break;
        case "logprobs":
          sawLogprobs = true;
          logprobs.push(...event.content);
          refusalLogprobs.push(...(event.refusal ?? []));
          break;
        case "media":
          parts.push(event.part);
          break;
        case "usage":
          usage = event.usage;
          break;
        case "finish":
          finish = event;
          break;
      }
    },
    reply() {
      return {
        ...(start?.id === undefined ? {} : { id: start.id }),
        ...(start?.model === undefined ? {} : { model: start.model }),
        ...(start?.created === undefined ? {} : { created: start.created }),
        parts,
        annotations,
        ...(sawLogprobs
          ? {
              logprobs: {
                content: logprobs,
                ...(refusalLogprobs.length > 0 ? { refusal: refusalLogprobs } : {}),
              },
            }
          : {}),
        ...(usage ? { usage } : {}),
        finish: finish?.reason ?? "stop",
        ...(finish?.stopSequence === undefined ? {} : { stopSequence: finish.stopSequence }),
        ...(finish?.native === undefined ? {} : { nativeFinish: finish.native }),
      };
    },
  };
}
