import type { ChatEvent } from "../../hub/event.ts";
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { isJsonArray, textOf } from "../walk.ts";
import { ANTHROPIC_FORMAT } from "./blocks.ts";

const NOTHING: readonly ChatEvent[] = [];

type Kind = "text" | "reasoning" | "tool";

type Open = {
  readonly kind: Kind;
  readonly index: number;
  /** The input that came with a call's start, for the case that no piece of it follows. */
  readonly input?: JsonObject | undefined;
  grew: boolean;
};

/** Reads `content_block_*` events. Blocks that the hub has no place for (server tools and their results) yield nothing. */
export type BlockReader = {
  read(event: JsonObject): readonly ChatEvent[];
  /** Ends what was left open. */
  close(): readonly ChatEvent[];
};

/** A citation as OpenAI's annotation: of the web by its address, of a document by its title. */
function decodeCitation(value: Json | undefined): ChatEvent | undefined {
  if (!isJsonObject(value)) return undefined;
  const url = textOf(value["url"]);
  if (url === undefined) return undefined;
  const title = textOf(value["title"]);
  const content = textOf(value["cited_text"]);
  return {
    type: "annotation",
    annotation: {
      type: "url_citation",
      url_citation: {
        url,
        ...(title === undefined ? {} : { title }),
        ...(content === undefined ? {} : { content }),
      },
    },
  };
}

/** Reads the blocks of one answer, and numbers them for the hub in the order in which they begin. */
export function createBlockReader(): BlockReader {
  const open = new Map<Json | undefined, Open>();
  let next = 0;

  const begin = (key: Json | undefined, kind: Kind, input?: JsonObject): number => {
    const index = next;
    next += 1;
    open.set(key, { kind, index, input, grew: false });
    return index;
  };

  const start = (key: Json | undefined, block: JsonObject): readonly ChatEvent[] => {
    switch (textOf(block["type"]) ?? "") {
      case "text": {
        const index = begin(key, "text");
        const events: ChatEvent[] = [{ type: "text-start", index }];
        const text = textOf(block["text"]);
        if (text !== undefined) events.push({ type: "text-delta", index, text });
        const citations = block["citations"];
        for (const citation of isJsonArray(citations) ? citations : []) {
          const event = decodeCitation(citation);
          if (event) events.push(event);
        }
        return events;
      }
      case "thinking": {
        const index = begin(key, "reasoning");
        const events: ChatEvent[] = [
          { type: "reasoning-start", index, form: "text", format: ANTHROPIC_FORMAT },
        ];
        const text = textOf(block["thinking"]);
        if (text !== undefined) events.push({ type: "reasoning-delta", index, text });
        const signature = textOf(block["signature"]);
        if (signature !== undefined) {
          events.push({ type: "reasoning-signature", index, signature });
        }
        return events;
      }
      case "redacted_thinking": {
        const index = begin(key, "reasoning");
        const data = textOf(block["data"]);
        return [
          { type: "reasoning-start", index, form: "encrypted", format: ANTHROPIC_FORMAT },
          ...(data === undefined
            ? []
            : [{ type: "reasoning-signature", index, data } satisfies ChatEvent]),
        ];
      }
      case "tool_use": {
        const input = block["input"];
        const id = textOf(block["id"]) ?? `toolu_${next}`;
        const name = textOf(block["name"]) ?? "";
        const index = begin(key, "tool", isJsonObject(input) ? input : undefined);
        return [{ type: "tool-start", index, id, name }];
      }
      default:
        return NOTHING;
    }
  };

  const grow = (block: Open, delta: JsonObject): readonly ChatEvent[] => {
    const { index } = block;
    switch (textOf(delta["type"]) ?? "") {
      case "text_delta": {
        const text = textOf(delta["text"]);
        return text === undefined ? NOTHING : [{ type: "text-delta", index, text }];
      }
      case "thinking_delta": {
        const text = textOf(delta["thinking"]);
        return text === undefined ? NOTHING : [{ type: "reasoning-delta", index, text }];
      }
      case "signature_delta": {
        const signature = textOf(delta["signature"]);
        return signature === undefined
          ? NOTHING
          : [{ type: "reasoning-signature", index, signature }];
      }
      case "input_json_delta": {
        const piece = textOf(delta["partial_json"]);
        if (piece === undefined) return NOTHING;
        block.grew = true;
        return [{ type: "tool-delta", index, arguments: piece }];
      }
      case "citations_delta": {
        const event = decodeCitation(delta["citation"]);
        return event ? [event] : NOTHING;
      }
      default:
        return NOTHING;
    }
  };

  const end = (key: Json | undefined, block: Open): readonly ChatEvent[] => {
    open.delete(key);
    const { index, kind, input, grew } = block;
    if (kind === "text") return [{ type: "text-end", index }];
    if (kind === "reasoning") return [{ type: "reasoning-end", index }];
    // Whole replies, and some hosts' streams, give the input at once.
    const whole = !grew && input !== undefined && Object.keys(input).length > 0;
    return [
      ...(whole
        ? [{ type: "tool-delta", index, arguments: JSON.stringify(input) } satisfies ChatEvent]
        : []),
      { type: "tool-end", index },
    ];
  };

  return {
    read(event) {
      const key = event["index"];
      if (event["type"] === "content_block_start") {
        const block = event["content_block"];
        return isJsonObject(block) ? start(key, block) : NOTHING;
      }
      const block = open.get(key);
      if (!block) return NOTHING;
      if (event["type"] === "content_block_stop") return end(key, block);
      const delta = event["delta"];
      return isJsonObject(delta) ? grow(block, delta) : NOTHING;
    },
    close: () => [...open].flatMap(([key, block]) => end(key, block)),
  };
}
