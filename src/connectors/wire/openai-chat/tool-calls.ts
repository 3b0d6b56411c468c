import { ChatError } from "../../hub/error.ts";
import type { ChatEvent } from "../../hub/event.ts";
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import { thoughtSignature } from "./extra-content.ts";
import { textOf } from "../walk.ts";

type Call = {
  /** The block's number once it has begun. */
  block: number | undefined;
  id: string | undefined;
  /** Arguments that came before the name. */
  waiting: string;
};

/** Puts the pieces of tool calls together; several calls may grow at once. */
export type ToolCalls = {
  /** `spare` is a signature from around the call, for one that has none of its own. */
  read(piece: JsonObject, spare: string | undefined, events: ChatEvent[]): void;
  readLegacy(piece: JsonObject, events: ChatEvent[]): void;
  close(events: ChatEvent[]): void;
  /** How many calls have begun. */
  readonly begun: number;
};

const LEGACY_KEY = -1;

/** Arguments are JSON text; some hosts send the object itself. */
function argumentsOf(value: Json | undefined): string {
  if (typeof value === "string") return value;
  return isJsonObject(value) ? JSON.stringify(value) : "";
}

/** Starts with no calls. Hosts differ in which of `index`, `id` and `name` they send, and how often. */
export function createToolCalls(nextIndex: () => number, responseId: () => string): ToolCalls {
  const calls: Call[] = [];
  const byIndex = new Map<number, Call>();
  let begun = 0;

  const add = (index: number | undefined): Call => {
    const call: Call = { block: undefined, id: undefined, waiting: "" };
    calls.push(call);
    if (index !== undefined) byIndex.set(index, call);
    return call;
  };

  /** The call that a piece belongs to, or a new one. */
  const find = (
    index: number | undefined,
    id: string | undefined,
    name: string | undefined,
  ): Call => {
    if (index !== undefined) {
      const call = byIndex.get(index);
      // Some hosts number every call 0; a new id together with a name is a new call. A new id alone is just noise.
      const isOther =
        call?.id !== undefined && id !== undefined && name !== undefined && call.id !== id;
      return call && !isOther ? call : add(index);
    }
    if (id !== undefined) return calls.find((call) => call.id === id) ?? add(undefined);
    const last = calls.at(-1);
    return name === undefined && last ? last : add(undefined);
  };

  const grow = (
    call: Call,
    name: string | undefined,
    text: string,
    signature: string | undefined,
    events: ChatEvent[],
  ): void => {
    if (call.block === undefined) {
      call.waiting += text;
      if (name === undefined) return;
      call.block = nextIndex();
      // An id is what the tool's result will refer to; where there is none, one is made that no other answer has.
      call.id ??= `call_${responseId()}_${begun}`;
      begun += 1;
      events.push({
        type: "tool-start",
        index: call.block,
        id: call.id,
        name,
        ...(signature === undefined ? {} : { signature }),
      });
      if (call.waiting !== "") {
        events.push({ type: "tool-delta", index: call.block, arguments: call.waiting });
      }
    } else if (text !== "") {
      events.push({ type: "tool-delta", index: call.block, arguments: text });
    }
  };

  return {
    read(piece, spare, events) {
      const body = isJsonObject(piece["function"]) ? piece["function"] : piece["custom"];
      const holder = isJsonObject(body) ? body : {};
      const index = typeof piece["index"] === "number" ? piece["index"] : undefined;
      const id = textOf(piece["id"]);
      const name = textOf(holder["name"]);
      const call = find(index, id, name);
      call.id ??= id;
      const text = argumentsOf(holder["arguments"] ?? holder["input"]);
      grow(call, name, text, thoughtSignature(piece) ?? spare, events);
    },
    readLegacy(piece, events) {
      const call = byIndex.get(LEGACY_KEY) ?? add(LEGACY_KEY);
      grow(call, textOf(piece["name"]), argumentsOf(piece["arguments"]), undefined, events);
    },
    close(events) {
      for (const call of calls) {
        if (call.block !== undefined) events.push({ type: "tool-end", index: call.block });
        else if (call.waiting !== "") {
          throw new ChatError("bad-upstream", "the provider called a tool without naming it");
        }
      }
      calls.length = 0;
      byIndex.clear();
    },
    get begun() {
      return begun;
    },
  };
}
