import { isJsonObject, type Json, type JsonObject } from "../../hub/json.ts";

/** The schema that a `$ref` within a document points to; undefined for one that is elsewhere or nowhere. */
export function resolvePointer(root: JsonObject, ref: string): JsonObject | undefined {
  if (!ref.startsWith("#")) return undefined;
  let place: Json | undefined = root;
  for (const step of ref.slice(1).split("/").slice(1)) {
    const name = decodeStep(step);
    if (Array.isArray(place)) place = place[Number(name)];
    else if (isJsonObject(place) && Object.hasOwn(place, name)) place = place[name];
    else return undefined;
  }
  return isJsonObject(place) ? place : undefined;
}

/** RFC 6901: `~1` is a slash and `~0` a tilde, within a fragment that may be percent-encoded. */
function decodeStep(step: string): string {
  let text = step;
  try {
    text = decodeURIComponent(step);
  } catch {
    // A stray percent sign stands for itself.
  }
  return text.replaceAll("~1", "/").replaceAll("~0", "~");
}
