import type { ChatEvent } from "../../hub/event.ts";
import { isJsonObject, type JsonObject } from "../../hub/json.ts";
import { isJsonArray, textOf } from "../walk.ts";
import { createPartialArgs, type PartialArgs } from "./partial-args.ts";

/** Turns `functionCall` parts into events. Calls come one after the other, whole or (if that was asked for) in pieces. */
export type CallReader = {
  read(call: JsonObject, signature: string | undefined, events: ChatEvent[]): void;
  /** Ends the call that is still growing, if there is one. */
  close(events: ChatEvent[]): void;
  /** How many calls have begun. */
  readonly begun: number;
};

/** `callId` makes an id for the call of this number, for hosts that give none. */
export function createCallReader(
  nextIndex: () => number,
  callId: (number: number) => string,
): CallReader {
  let begun = 0;
  let open: { readonly index: number; readonly args: PartialArgs } | undefined;

  const close = (events: ChatEvent[]): void => {
    if (open === undefined) return;
    const { index, args } = open;
    open = undefined;
    events.push({ type: "tool-delta", index, arguments: args.text() }, { type: "tool-end", index });
  };

  return {
    read(call, signature, events) {
      const name = textOf(call["name"]);
      const pieces = call["partialArgs"];
      const goesOn = call["willContinue"] === true;
      if (name !== undefined) {
        close(events);
        const index = nextIndex();
        events.push({
          type: "tool-start",
          index,
          id: textOf(call["id"]) ?? callId(begun),
          name,
          ...(signature === undefined ? {} : { signature }),
        });
        begun += 1;
        if (goesOn || isJsonArray(pieces)) {
          open = { index, args: createPartialArgs() };
        } else {
          const args = isJsonObject(call["args"]) ? call["args"] : {};
          events.push(
            { type: "tool-delta", index, arguments: JSON.stringify(args) },
            { type: "tool-end", index },
          );
        }
      }
      if (open === undefined) return;
      if (isJsonArray(pieces)) open.args.add(pieces);
      if (!goesOn) close(events);
    },
    close,
    get begun() {
      return begun;
    },
  };
}
