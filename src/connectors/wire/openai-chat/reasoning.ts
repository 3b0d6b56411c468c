import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";
import type { ReasoningPart } from "../../hub/request.ts";
import { isJsonArray, textOf } from "../walk.ts";

/**
 * One entry of OpenRouter's `reasoning_details`: a piece of a thought, a summary or an encrypted block. Streams send many
 * entries for one block; `index` tells which belong together.
 */
export type ReasoningDetail = {
  readonly form: ReasoningPart["form"];
  readonly text: string;
  readonly signature?: string;
  readonly data?: string;
  readonly format?: string;
  readonly id?: string;
  readonly index?: number;
};

/** Reads one entry; undefined for a kind that is not known here. */
export function decodeDetail(value: Json): ReasoningDetail | undefined {
  if (!isJsonObject(value)) return undefined;
  const common: { format?: string; id?: string; index?: number } = {};
  const format = textOf(value["format"]);
  if (format !== undefined) common.format = format;
  const id = textOf(value["id"]);
  if (id !== undefined) common.id = id;
  const index = value["index"];
  if (typeof index === "number") common.index = index;

  switch (textOf(value["type"]) ?? "") {
    case "reasoning.text": {
      const signature = textOf(value["signature"]);
      const text = textOf(value["text"]) ?? "";
      return { form: "text", text, ...common, ...(signature === undefined ? {} : { signature }) };
    }
    case "reasoning.summary":
      return { form: "summary", text: textOf(value["summary"]) ?? "", ...common };
    case "reasoning.encrypted": {
      const data = textOf(value["data"]);
      return { form: "encrypted", text: "", ...common, ...(data === undefined ? {} : { data }) };
    }
    default:
      return undefined;
  }
}

/** Whether an entry goes on with the block that an earlier one began; a signature stands behind the last of its text. */
export function isSameBlock(
  earlier: ReasoningDetail,
  later: ReasoningDetail,
  isSigned: boolean,
): boolean {
  if (earlier.form !== later.form) return false;
  if (earlier.id !== undefined && later.id !== undefined && earlier.id !== later.id) return false;
  if (earlier.index !== later.index) return false;
  // Encrypted blocks come whole; only an id could say that two entries are one.
  if (earlier.form === "encrypted") return earlier.id !== undefined && earlier.id === later.id;
  return !(isSigned && later.text !== "");
}

function hasSignature(part: ReasoningPart | undefined): boolean {
  return part?.signature !== undefined || part?.data !== undefined;
}

/** Whole blocks from `reasoning_details`, also from a list of unjoined stream pieces as some clients send it back. */
function decodeDetails(values: readonly Json[]): ReasoningPart[] {
  const parts: ReasoningPart[] = [];
  let last: ReasoningDetail | undefined;
  for (const value of values) {
    const detail = decodeDetail(value);
    if (!detail) continue;
    const { index: _, ...fields } = detail;
    const open =
      last && isSameBlock(last, detail, hasSignature(parts.at(-1))) ? parts.pop() : undefined;
    if (open) {
      const { text, data, ...rest } = fields;
      const joined = (open.data ?? "") + (data ?? "");
      parts.push({
        ...open,
        ...rest,
        type: "reasoning",
        text: open.text + text,
        ...(joined === "" ? {} : { data: joined }),
      });
    } else {
      parts.push({ type: "reasoning", ...fields });
    }
    last = detail;
  }
  return parts.filter(
    (part) => part.text !== "" || part.signature !== undefined || part.data !== undefined,
  );
}

/** The entries for one block; a block with both text and encrypted data is two. */
export function encodeDetail(part: ReasoningPart, index: number): JsonObject[] {
  const common: JsonObject = {
    ...(part.id === undefined ? {} : { id: part.id }),
    ...(part.format === undefined ? {} : { format: part.format }),
    index,
  };
  const entries: JsonObject[] = [];
  if (part.form === "summary") {
    entries.push({ type: "reasoning.summary", summary: part.text, ...common });
  } else if (part.form === "text") {
    const signature = part.signature === undefined ? {} : { signature: part.signature };
    entries.push({ type: "reasoning.text", text: part.text, ...signature, ...common });
  }
  if (part.data !== undefined) {
    entries.push({ type: "reasoning.encrypted", data: part.data, ...common });
  }
  return entries;
}

/** What can be read of some blocks, as one text. */
export function readableText(parts: readonly ReasoningPart[]): string {
  return parts.map((part) => part.text).join("");
}

/** The thoughts of a message: `reasoning_details` if they can be read or carry data, else one of the plain fields. */
export function decodeReasoning(message: JsonObject): readonly ReasoningPart[] {
  const details = message["reasoning_details"];
  const parts = isJsonArray(details) ? decodeDetails(details) : [];
  const plain = textOf(message["reasoning_content"]) ?? textOf(message["reasoning"]);
  if (plain === undefined || readableText(parts) !== "") return parts;
  return [{ type: "reasoning", form: "text", text: plain }, ...parts];
}
