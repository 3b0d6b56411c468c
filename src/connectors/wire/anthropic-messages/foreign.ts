/**
 * Thoughts of other makers in the fields for Anthropic's own. A client of this dialect keeps `signature` and `data` and sends
 * them back without looking inside, so what another provider wants back travels there, marked, and is found again.
 */
import { isJsonObject, type Json } from "../../hub/json.ts";
import type { ReasoningPart } from "../../hub/request.ts";
import { ANTHROPIC_FORMAT } from "./blocks.ts";

const MARK = "xjp1.";

/** A thought without its text. */
export type Opaque = Omit<ReasoningPart, "type" | "text">;

/** Whether a thought is Anthropic's own, or of a maker unknown who signs as Anthropic does. */
export function isOwn(part: Pick<ReasoningPart, "format">): boolean {
  return part.format === undefined || part.format === ANTHROPIC_FORMAT;
}

/** Everything but the text of a thought, as one opaque word. */
export function pack({ form, signature, data, format, id }: Opaque): string {
  const fields = { form, signature, data, format, id };
  return MARK + Buffer.from(JSON.stringify(fields)).toString("base64url");
}

/** What `pack` has packed, or undefined for any other word. */
export function unpack(word: string): Opaque | undefined {
  if (!word.startsWith(MARK)) return undefined;
  try {
    const fields: Json = JSON.parse(
      Buffer.from(word.slice(MARK.length), "base64url").toString("utf8"),
    );
    if (!isJsonObject(fields)) return undefined;
    const { form, signature, data, format, id } = fields;
    return {
      form: form === "summary" || form === "encrypted" ? form : "text",
      ...(typeof signature === "string" ? { signature } : {}),
      ...(typeof data === "string" ? { data } : {}),
      ...(typeof format === "string" ? { format } : {}),
      ...(typeof id === "string" ? { id } : {}),
    };
  } catch {
    // Somebody else's word after all.
    return undefined;
  }
}
