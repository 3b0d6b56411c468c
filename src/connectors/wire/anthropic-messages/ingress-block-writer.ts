import type { ChatEvent } from "../../hub/event.ts";
import type { JsonObject } from "../../hub/json.ts";
import type { ReasoningPart } from "../../hub/request.ts";
import { frame } from "../frame.ts";
import { encodeCitation, encodeMade, encodeThought, signatureOf } from "./ingress-reply.ts";

type Kind = "text" | "thinking" | "redacted" | "tool";

/** What happens to a block after its beginning. */
type Growth = Extract<
  ChatEvent,
  {
    type:
      | "text-delta"
      | "reasoning-delta"
      | "reasoning-signature"
      | "tool-delta"
      | "text-end"
      | "reasoning-end"
      | "tool-end";
  }
>;

/** The index of blocks that stand for media, which no block of the answer has. */
const OWN_INDEX = -1;

type Block = {
  readonly kind: Kind;
  readonly begin: Extract<ChatEvent, { type: "text-start" | "reasoning-start" | "tool-start" }>;
  /** Events that came while another block was being written. */
  readonly waiting: Growth[];
  /** What must be kept of a thought, for its end. */
  opaque: { signature?: string; data?: string };
  ended: boolean;
};

/**
 * Writes content blocks one after the other, as this dialect demands, from blocks that may overlap. The oldest unfinished block
 * is written as it grows; a text or a thought makes way for whatever begins after it, and goes on as a new block if more of
 * it comes; a call's arguments may not be split, so what begins during one waits for its end.
 */
export type BlockWriter = {
  push(event: ChatEvent): string;
  /** Ends whatever is open. */
  close(): string;
};

/** Starts with no block written, as each answer does. */
export function createBlockWriter(): BlockWriter {
  let position = -1;
  let current: Block | undefined;
  const queue: Block[] = [];
  /** How texts and thoughts that have made way began, should more of them come. */
  const begun = new Map<number, Block["begin"]>();

  const start = (block: JsonObject): string => {
    position += 1;
    return send("content_block_start", { index: position, content_block: block });
  };
  const delta = (fields: JsonObject): string =>
    send("content_block_delta", { index: position, delta: fields });
  const stop = (): string => send("content_block_stop", { index: position });

  const open = (block: Block): string => {
    current = block;
    const { begin } = block;
    switch (begin.type) {
      case "text-start":
        return start({ type: "text", text: "" });
      case "reasoning-start":
        // An encrypted block is written whole, at its end.
        return block.kind === "redacted"
          ? ""
          : start({ type: "thinking", thinking: "", signature: "" });
      case "tool-start":
        return start({ type: "tool_use", id: begin.id, name: begin.name, input: {} });
    }
  };

  const finish = (block: Block): string => {
    const { begin } = block;
    if (begin.type !== "reasoning-start") return stop();
    const { type: _type, index: _index, ...fields } = begin;
    const thought: ReasoningPart = { type: "reasoning", text: "", ...fields, ...block.opaque };
    if (block.kind === "redacted") {
      const whole = encodeThought(thought);
      return whole === undefined ? "" : start(whole) + stop();
    }
    return delta({ type: "signature_delta", signature: signatureOf(thought) }) + stop();
  };

  /** Ends the current block and writes those that waited, up to one that is not finished. */
  const advance = (): string => {
    let text = "";
    while (current?.ended) {
      text += finish(current);
      current = undefined;
      const next = queue.shift();
      if (!next) break;
      text += open(next);
      for (const event of next.waiting.splice(0)) text += write(next, event);
      if (queue.length > 0 && next.kind !== "tool") makeWay(next);
    }
    return text;
  };

  const makeWay = (block: Block): void => {
    if (!block.ended) begun.set(block.begin.index, block.begin);
    block.ended = true;
  };

  const write = (block: Block, event: Growth): string => {
    switch (event.type) {
      case "text-delta":
        return event.text === "" ? "" : delta({ type: "text_delta", text: event.text });
      case "reasoning-delta":
        return event.text === "" || block.kind === "redacted"
          ? ""
          : delta({ type: "thinking_delta", thinking: event.text });
      case "reasoning-signature":
        if (event.signature !== undefined) block.opaque.signature = event.signature;
        if (event.data !== undefined) block.opaque.data = (block.opaque.data ?? "") + event.data;
        return "";
      case "tool-delta":
        return event.arguments === ""
          ? ""
          : delta({ type: "input_json_delta", partial_json: event.arguments });
      case "text-end":
      case "reasoning-end":
      case "tool-end":
        block.ended = true;
        return "";
    }
  };

  const begin = (event: Block["begin"]): string => {
    const block: Block = {
      kind: kindOf(event),
      begin: event,
      waiting: [],
      opaque: {},
      ended: false,
    };
    if (!current) return open(block);
    queue.push(block);
    if (current.kind === "tool") return "";
    makeWay(current);
    return advance();
  };

  /** The block that an event goes on with, begun anew if it has made way. */
  const find = (index: number): { readonly block: Block | undefined; readonly text: string } => {
    if (current?.begin.index === index) return { block: current, text: "" };
    const waiting = queue.find((each) => each.begin.index === index);
    if (waiting) return { block: waiting, text: "" };
    const again = begun.get(index);
    if (!again) return { block: undefined, text: "" };
    const text = begin(again);
    return { block: current?.begin === again ? current : queue.at(-1), text };
  };

  const grow = (event: Growth): string => {
    const { block, text } = find(event.index);
    if (!block) return text;
    if (block === current) return text + write(block, event) + advance();
    if (isEnd(event)) block.ended = true;
    else block.waiting.push(event);
    return text;
  };

  const writeMade = (made: string): string => {
    if (made === "") return "";
    const index = OWN_INDEX;
    return (
      begin({ type: "text-start", index }) +
      grow({ type: "text-delta", index, text: made }) +
      grow({ type: "text-end", index })
    );
  };

  return {
    push(event) {
      switch (event.type) {
        case "text-start":
        case "reasoning-start":
        case "tool-start":
          return begin(event);
        case "text-end":
        case "reasoning-end": {
          // One that has made way has ended already, unless it has begun anew.
          const hadMadeWay = begun.delete(event.index);
          return hadMadeWay && current?.begin.index !== event.index ? "" : grow(event);
        }
        case "text-delta":
        case "reasoning-delta":
        case "reasoning-signature":
        case "tool-delta":
        case "tool-end":
          return grow(event);
        case "media":
          return writeMade(encodeMade(event.part));
        case "annotation": {
          const citation = encodeCitation(event.annotation);
          return citation && current?.kind === "text"
            ? delta({ type: "citations_delta", citation })
            : "";
        }
        case "start":
        case "logprobs":
        case "usage":
        case "finish":
          return "";
      }
    },
    close() {
      if (current) current.ended = true;
      for (const block of queue) block.ended = true;
      return advance();
    },
  };
}

function isEnd(event: Growth): boolean {
  return event.type === "text-end" || event.type === "reasoning-end" || event.type === "tool-end";
}

function kindOf(event: Block["begin"]): Kind {
  if (event.type === "text-start") return "text";
  if (event.type === "tool-start") return "tool";
  return event.form === "encrypted" ? "redacted" : "thinking";
}

/** One event of this dialect: its name stands in the frame and in the data. */
export function send(type: string, fields: JsonObject): string {
  return frame(type, JSON.stringify({ type, ...fields }));
}
