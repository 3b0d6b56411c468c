import { type Json, type JsonObject } from "../../hub/json.ts";
import type { Message, ReasoningPart, ToolCallPart } from "../../hub/request.ts";
import { toObject } from "../arguments.ts";
import { encodeMedia, encodePart } from "./egress-media.ts";
import { GEMINI_FORMAT, LOST_SIGNATURE } from "./signature.ts";
import type { Writing } from "./writing.ts";

type Assistant = Extract<Message, { role: "assistant" }>;
type Growing = Record<string, Json | undefined>;

/** Whether a signature that stood on its own may be written onto this part. */
function isUnsignedAnswer(part: Growing | undefined): part is Growing {
  return (
    part !== undefined &&
    part["thoughtSignature"] === undefined &&
    part["thought"] === undefined &&
    part["functionCall"] === undefined
  );
}

/** Signatures of calls that came as `reasoning_details` with the call's id, as OpenRouter gives them. */
function signaturesById(parts: Assistant["parts"]): ReadonlyMap<string, string> {
  const ids = new Set(parts.flatMap((part) => (part.type === "tool-call" ? [part.id] : [])));
  const found = new Map<string, string>();
  for (const part of parts) {
    if (part.type !== "reasoning" || part.format !== GEMINI_FORMAT) continue;
    if (part.id !== undefined && part.data !== undefined && ids.has(part.id)) {
      found.set(part.id, part.data);
    }
  }
  return found;
}

/** One turn of the model as the parts of a content; none if there is nothing in it. */
export function encodeAssistant(writing: Writing, { parts, name }: Assistant): JsonObject[] {
  const { drop, quirks, traits } = writing;
  const written: Growing[] = [];
  /** Signatures whose place nobody remembers: clients of OpenAI's dialect give thoughts before texts. */
  const loose: string[] = [];
  const byId = signaturesById(parts);
  let calls = 0;
  if (name !== undefined) drop("messages[].name");

  const addThought = (part: ReasoningPart): void => {
    if (part.format !== GEMINI_FORMAT) {
      drop("messages[].reasoning");
      return;
    }
    const { text, signature, data, id } = part;
    if (text !== "") {
      written.push({
        text,
        thought: true,
        ...(signature === undefined ? {} : { thoughtSignature: signature }),
      });
    }
    const opaque = data ?? (text === "" ? signature : undefined);
    if (opaque === undefined || (id !== undefined && byId.has(id))) return;
    const last = written.at(-1);
    if (isUnsignedAnswer(last)) last["thoughtSignature"] = opaque;
    else loose.push(opaque);
  };

  const addCall = (part: ToolCallPart): void => {
    if (part.cache !== undefined) drop("cache_control");
    // Of calls made together only the first one is signed.
    const stand = traits.signsCalls && calls === 0 ? LOST_SIGNATURE : undefined;
    const signature = part.signature ?? byId.get(part.id) ?? stand;
    calls += 1;
    written.push({
      functionCall: {
        ...(quirks.callIds ? { id: part.id } : {}),
        name: part.name,
        args: toObject(part.arguments, "arguments"),
      },
      ...(signature === undefined ? {} : { thoughtSignature: signature }),
    });
  };

  for (const part of parts) {
    switch (part.type) {
      case "text":
        // An empty text says nothing, unless it comes to bear a signature; that one is made below.
        if (part.text !== "") written.push({ ...encodePart(writing, part) });
        break;
      case "refusal":
        written.push({ text: part.text });
        break;
      case "reasoning":
        addThought(part);
        break;
      case "tool-call":
        addCall(part);
        break;
      case "image":
      case "audio":
      case "video":
      case "file":
        written.push({ ...encodeMedia(writing, part) });
        break;
    }
  }
  for (const thoughtSignature of loose) {
    const place = written.findLast(isUnsignedAnswer);
    if (place) place["thoughtSignature"] = thoughtSignature;
    else {
      const firstCall = written.findIndex((part) => part["functionCall"] !== undefined);
      const at = firstCall < 0 ? written.length : firstCall;
      written.splice(at, 0, { text: "", thoughtSignature });
    }
  }
  return written;
}
