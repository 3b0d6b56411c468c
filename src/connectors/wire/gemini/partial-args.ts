/**
 * Arguments of a call that come in pieces, each with its place as a JSON path: `$.recipe.steps[0]`. Only asked for by
 * `streamFunctionCallArguments`: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling
 */
import { ChatError } from "../../hub/error.ts";
import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";

type Holder = Record<string, unknown> | unknown[];

const STEP = /\.([^.[\]]+)|\[(\d+)\]|\[(?:'([^']*)'|"([^"]*)")\]/y;
/** A list that is longer would be a mistake, and a costly one. */
const LONGEST_LIST = 10_000;

/** `$.a[0]` as `["a", 0]`. */
function stepsOf(path: string): readonly (string | number)[] {
  const steps: (string | number)[] = [];
  STEP.lastIndex = path.startsWith("$") ? 1 : 0;
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path);
    if (!match) throw malformed();
    const [, name, index, single, double] = match;
    steps.push(index === undefined ? (name ?? single ?? double ?? "") : Number(index));
  }
  return steps;
}

function malformed(): ChatError {
  return new ChatError(
    "bad-upstream",
    "the provider sent arguments of a call in unreadable pieces",
  );
}

function valueOf(piece: JsonObject): Json | undefined {
  if (piece["stringValue"] !== undefined) return piece["stringValue"];
  if (piece["numberValue"] !== undefined) return piece["numberValue"];
  if (piece["boolValue"] !== undefined) return piece["boolValue"];
  return piece["nullValue"] === undefined ? undefined : null;
}

function get(holder: Holder, step: string | number): unknown {
  if (Array.isArray(holder)) return typeof step === "number" ? holder[step] : undefined;
  return holder[String(step)];
}

function set(holder: Holder, step: string | number, value: unknown): void {
  if (!Array.isArray(holder)) holder[String(step)] = value;
  else if (typeof step === "number" && step <= LONGEST_LIST) holder[step] = value;
  else throw malformed();
}

function isHolder(value: unknown): value is Holder {
  return typeof value === "object" && value !== null;
}

/** Puts the pieces of one call's arguments together. */
export type PartialArgs = {
  /** Throws ChatError `bad-upstream` for a path that leads nowhere. */
  add(pieces: readonly Json[]): void;
  /** The arguments so far as JSON text. */
  text(): string;
};

/** Begins a call without any argument. */
export function createPartialArgs(): PartialArgs {
  // Without a prototype, so that no name is special.
  const root: Holder = Object.create(null);
  return {
    add(pieces) {
      for (const piece of pieces) {
        if (!isJsonObject(piece) || typeof piece["jsonPath"] !== "string") continue;
        const value = valueOf(piece);
        const steps = stepsOf(piece["jsonPath"]);
        const last = steps.at(-1);
        if (value === undefined || last === undefined) continue;
        let holder = root;
        for (const [index, step] of steps.slice(0, -1).entries()) {
          let next = get(holder, step);
          if (!isHolder(next)) {
            next = typeof steps[index + 1] === "number" ? [] : Object.create(null);
            set(holder, step, next);
          }
          if (isHolder(next)) holder = next;
        }
        const known = get(holder, last);
        // A text goes on where the last piece of it stopped.
        const isMore = typeof known === "string" && typeof value === "string";
        set(holder, last, isMore ? known + value : value);
      }
    },
    text: () => JSON.stringify(root),
  };
}
