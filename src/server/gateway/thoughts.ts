/** Opaque reasoning on its way: taken from answers into the vault, and given back to the provider that made it, and to no other. */
import type { ChatEvent } from "../../connectors/hub/event.ts";
import { familyOf } from "../../connectors/hub/family.ts";
import type {
  ChatRequest,
  Message,
  ReasoningPart,
  ToolCallPart,
} from "../../connectors/hub/request.ts";
import { type Kept, printOf, type Vault } from "./vault.ts";

type Assistant = Extract<Message, { role: "assistant" }>;
type AssistantPart = Assistant["parts"][number];

/** The only maker that signs calls themselves. */
const SIGNS_CALLS = "gemini";

type Call = {
  readonly id: string;
  readonly kept: Omit<Kept, "print" | "after">;
  arguments: string;
};

/** One answer's way into the vault. */
export type Collecting = { observe(events: readonly ChatEvent[]): void };

/** Watches an answer of a maker of opaque reasoning; what stands around its calls is kept for the tenant. */
export function collectThoughts(vault: Vault, tenantId: string, family: string): Collecting {
  let pending: ReasoningPart[] = [];
  let saidSomething = false;
  /** Whether the pending thoughts came before everything else. */
  let first = true;
  const open = new Map<number, { -readonly [Key in keyof ReasoningPart]: ReasoningPart[Key] }>();
  /** Calls while they are written. */
  const calls = new Map<number, Call>();
  let last: Call | undefined;
  const keep = ({ id, kept, arguments: json }: Call, after?: readonly ReasoningPart[]): void => {
    const { thoughts, signature } = kept;
    if (thoughts.length === 0 && signature === undefined && after === undefined) return;
    vault.keep(tenantId, id, { ...kept, print: printOf(json), after });
  };
  return {
    observe(events) {
      for (const event of events) {
        switch (event.type) {
          case "reasoning-start": {
            const { index, type: _type, ...fields } = event;
            const part: ReasoningPart = { type: "reasoning", text: "", ...fields };
            open.set(index, part);
            if (pending.length === 0) first = !saidSomething;
            pending.push(part);
            break;
          }
          case "reasoning-delta": {
            const part = open.get(event.index);
            if (part) part.text += event.text;
            break;
          }
          case "reasoning-signature": {
            const part = open.get(event.index);
            if (!part) break;
            if (event.signature !== undefined) part.signature = event.signature;
            if (event.data !== undefined) part.data = (part.data ?? "") + event.data;
            break;
          }
          case "text-delta":
            saidSomething = true;
            break;
          case "tool-start": {
            const { index, id, name, signature } = event;
            const thoughts = pending.filter(isOpaque);
            last = { id, kept: { name, family, thoughts, first, signature }, arguments: "" };
            calls.set(index, last);
            pending = [];
            saidSomething = true;
            break;
          }
          case "tool-delta": {
            const call = calls.get(event.index);
            if (call) call.arguments += event.arguments;
            break;
          }
          case "tool-end": {
            const call = calls.get(event.index);
            if (call) keep(call);
            calls.delete(event.index);
            break;
          }
          case "finish": {
            const after = pending.filter(isOpaque);
            if (last && after.length > 0) keep(last, after);
            break;
          }
          case "start":
          case "text-start":
          case "text-end":
          case "reasoning-end":
          case "annotation":
          case "logprobs":
          case "media":
          case "usage":
            break;
        }
      }
    },
  };
}

/**
 * The request as a target of this family is to have it: without what other makers signed, and with what its own maker did, should
 * the client have lost it. `none` takes nobody's. The same object where nothing changes, as always where the family is not known.
 */
export function givenBack(
  request: ChatRequest,
  family: string | undefined,
  vault: Vault,
  tenantId: string,
): ChatRequest {
  if (family === undefined) return request;
  let regrafted: Set<number> | undefined;
  let assistants = 0;
  const messages = request.messages.map((message) => {
    if (message.role !== "assistant") return message;
    const own = withoutForeign(message, family);
    const whole = vault.isEmpty || family === "none" ? own : withKept(own, family, vault, tenantId);
    if (whole !== message) (regrafted ??= new Set()).add(assistants);
    assistants += 1;
    return whole;
  });
  return regrafted === undefined ? request : { ...request, messages, regrafted };
}

function withoutForeign(message: Assistant, family: string): Assistant {
  const isForeign = (part: AssistantPart): boolean =>
    (part.type === "reasoning" && isOfAnother(part, family)) ||
    (part.type === "tool-call" && part.signature !== undefined && family !== SIGNS_CALLS);
  if (!message.parts.some(isForeign)) return message;
  const parts = message.parts.flatMap((part): AssistantPart[] => {
    if (!isForeign(part)) return [part];
    if (part.type === "tool-call") {
      const { signature: _, ...call } = part;
      return [call];
    }
    if (part.type !== "reasoning" || part.text === "") return [];
    const { signature: _, data: __, format: ___, id: ____, ...plain } = part;
    return [{ ...plain, form: plain.form === "encrypted" ? "text" : plain.form }];
  });
  return { ...message, parts };
}

function isOfAnother(part: ReasoningPart, family: string): boolean {
  // Whoever takes nobody's does not know the field for it either.
  if (family === "none") return isOpaque(part) || part.format !== undefined;
  if (!isOpaque(part)) return false;
  const maker = familyOf(part.format);
  return maker !== undefined && maker !== family;
}

function isOpaque(part: ReasoningPart): boolean {
  return part.signature !== undefined || part.data !== undefined;
}

/** Puts back what is missing around calls; a message that still has thoughts of its own has lost nothing. */
function withKept(message: Assistant, family: string, vault: Vault, tenantId: string): Assistant {
  if (!message.parts.some((part) => part.type === "tool-call")) return message;
  const hasThoughts = message.parts.some((part) => part.type === "reasoning" && isOpaque(part));
  let changed = false;
  const front: AssistantPart[] = [];
  const parts = message.parts.flatMap((part): AssistantPart[] => {
    // Unsigned copies of what is put back whole.
    if (part.type !== "tool-call") return [part];
    const kept = vault.find(tenantId, part);
    if (kept?.family !== family) return [part];
    const signed = sign(part, kept.signature);
    const thoughts = hasThoughts ? [] : kept.thoughts;
    const after = hasThoughts ? [] : (kept.after ?? []);
    if (signed === part && thoughts.length === 0 && after.length === 0) return [part];
    changed = true;
    if (!kept.first) return [...thoughts, signed, ...after];
    front.push(...thoughts);
    return [signed, ...after];
  });
  if (!changed) return message;
  const rest =
    front.length > 0 ? parts.filter((part) => part.type !== "reasoning" || isOpaque(part)) : parts;
  return { ...message, parts: [...front, ...rest] };
}

function sign(part: ToolCallPart, signature: string | undefined): ToolCallPart {
  return signature === undefined || part.signature !== undefined ? part : { ...part, signature };
}
