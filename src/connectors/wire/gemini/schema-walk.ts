/** One walk through a caller's schema, and what happens to what Gemini's schemas lack. */
import type { Json, JsonObject } from "../../hub/json.ts";
import { cannot, type Drop } from "../writing.ts";

/** Where a schema stands in the request and what happens to what Gemini's schemas lack. */
export type SchemaPlace = {
  /** The field that holds it, e.g. `tools[].parameters`. */
  readonly field: string;
  /** Whether the answer must obey it: then what decides on its shape is refused rather than left out. */
  readonly binding: boolean;
  readonly drop: Drop;
  /** Whether every reference must be put in place of its name. */
  readonly inline?: boolean;
};

/** A schema that is being written. */
export type Growing = Record<string, Json | undefined>;

export type Walk = SchemaPlace & {
  /** Where the walk stands below the field; put together only for refusals. */
  readonly trail: string[];
  readonly root: JsonObject;
  /** Names of the references whose schemas are being put in place, so that no circle is followed. */
  readonly open: ReadonlySet<string>;
  /** Schemas that may still be written; references can make few into very many. */
  budget: { left: number };
};

/** The error for what no schema of Gemini's can say. */
export function refuse(walk: Walk, keyword: string, why: string): Error {
  return cannot([walk.field, ...walk.trail, keyword].join("."), `a schema with ${why}`);
}

/** What is left out is named in a header, so only by the field and the keyword, and not by the caller's own names. */
export function leave(walk: Walk, keyword: string): void {
  walk.drop(`${walk.field}.${keyword}`);
}

/** What decides on the shape is refused where the answer must have it, and left out where it is a hint. */
export function lose(walk: Walk, keyword: string): void {
  if (walk.binding) throw refuse(walk, keyword, keyword);
  leave(walk, keyword);
}
