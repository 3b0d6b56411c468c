import type { ChatEvent } from "../../connectors/hub/event.ts";
import type { Usage } from "../../connectors/hub/usage.ts";

/** What a client has been sent of an answer, and how the answer of another target is joined to it. */
export type Transcript = {
  /** Notes an event that goes to the client. */
  note(event: ChatEvent): void;
  /** Whether another target could go on: one block of text at the most, perhaps behind thoughts, and nothing else. */
  readonly canGoOn: boolean;
  /** The text so far. */
  readonly text: string;
  /** Starts joining an answer that goes on behind `text`; `whole` if it begins anew and what is known of it is to be left out. */
  join(whole: boolean, usage: () => Usage | undefined): Joint;
};

/** Takes the events of the next target and gives those that the client is to get. */
export type Joint = (event: ChatEvent) => readonly ChatEvent[];

const NOTHING: readonly ChatEvent[] = [];

/** Keeps one answer to one client, whoever gives its parts. */
export function createTranscript(): Transcript {
  let text = "";
  let textIndex: number | undefined;
  let isTextOpen = false;
  let hasThoughts = false;
  const openThoughts = new Set<number>();
  let hasMore = false;
  /** Blocks are numbered without gaps for the client. */
  let nextIndex = 0;

  const note = (event: ChatEvent): void => {
    if ("index" in event) nextIndex = Math.max(nextIndex, event.index + 1);
    switch (event.type) {
      case "text-start":
        if (textIndex !== undefined || event.refusal) hasMore = true;
        textIndex = event.index;
        isTextOpen = true;
        break;
      case "text-delta":
        text += event.text;
        break;
      case "text-end":
        isTextOpen = false;
        break;
      case "reasoning-start":
        hasThoughts = true;
        openThoughts.add(event.index);
        break;
      case "reasoning-end":
        openThoughts.delete(event.index);
        break;
      case "tool-start":
      case "media":
      case "finish":
        hasMore = true;
        break;
      case "start":
      case "reasoning-delta":
      case "reasoning-signature":
      case "tool-delta":
      case "tool-end":
      case "annotation":
      case "logprobs":
      case "usage":
        break;
    }
  };

  const closeText = (): readonly ChatEvent[] => {
    if (!isTextOpen || textIndex === undefined) return NOTHING;
    isTextOpen = false;
    return [{ type: "text-end", index: textIndex }];
  };

  return {
    note,
    get canGoOn() {
      return !hasMore;
    },
    get text() {
      return text;
    },
    join(whole, usage) {
      /** What the next text begins with and the client has already: all of it, or the space that no prefill may end with. */
      let known = whole ? text : text.slice(text.trimEnd().length);
      const leaveThoughts = hasThoughts || text !== "";
      const indexes = new Map<number, number>();
      const left = new Set<number>();
      let joined: number | undefined;

      const indexOf = (index: number): number => {
        let mine = indexes.get(index);
        if (mine === undefined) {
          mine = nextIndex;
          nextIndex += 1;
          indexes.set(index, mine);
        }
        return mine;
      };
      const translate = (event: ChatEvent): readonly ChatEvent[] => {
        if ("index" in event && left.has(event.index)) return NOTHING;
        switch (event.type) {
          case "start":
            return NOTHING;
          case "usage": {
            const total = usage();
            return total === undefined ? NOTHING : [{ type: "usage", usage: total }];
          }
          case "reasoning-start":
            if (leaveThoughts) {
              left.add(event.index);
              return NOTHING;
            }
            return [{ ...event, index: indexOf(event.index) }];
          case "text-start":
            if (joined === undefined && isTextOpen && textIndex !== undefined) {
              joined = event.index;
              indexes.set(event.index, textIndex);
              return NOTHING;
            }
            return [{ ...event, index: indexOf(event.index) }];
          case "text-delta": {
            const same = commonLength(known, event.text);
            known = whole || same === event.text.length ? known.slice(same) : "";
            const rest = event.text.slice(same);
            return rest === "" ? NOTHING : [{ ...event, index: indexOf(event.index), text: rest }];
          }
          case "finish":
            return [...closeText(), event];
          case "text-end":
            if (event.index === joined) return closeText();
            return [{ ...event, index: indexOf(event.index) }];
          case "reasoning-delta":
          case "reasoning-signature":
          case "reasoning-end":
          case "tool-delta":
          case "tool-end":
            return [{ ...event, index: indexOf(event.index) }];
          case "tool-start":
            return [...closeText(), { ...event, index: indexOf(event.index) }];
          case "annotation":
          case "logprobs":
          case "media":
            return [event];
        }
      };
      return (event) => {
        const events = translate(event);
        if (events.length === 0 || openThoughts.size === 0) return events;
        // Thoughts that broke off end before anything else begins.
        const ends = Array.from(
          openThoughts,
          (index) => ({ type: "reasoning-end", index }) as const,
        );
        openThoughts.clear();
        return [...ends, ...events];
      };
    },
  };
}

function commonLength(known: string, text: string): number {
  const most = Math.min(known.length, text.length);
  let length = 0;
  while (length < most && known[length] === text[length]) length += 1;
  return length;
}
