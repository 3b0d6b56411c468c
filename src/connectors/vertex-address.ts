/** Where Vertex AI answers: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations */
import { ChatError } from "./hub/error.ts";

const NAME = /^[\w][\w.@-]*$/;

/** What a model's id names. */
export type Place =
  | { readonly maker: "google" | "anthropic"; readonly model: string }
  /** A tuned model, or one that was deployed by hand, by its endpoint's id. */
  | { readonly maker: "endpoint"; readonly model: string };

/**
 * Reads a model's id: `gemini-…`, `claude-…`, `google/…`, `publishers/google/models/…`, `endpoints/…`, or the whole
 * `projects/…/endpoints/…` as Google's console shows it, of which project and location come from configuration. Throws
 * ChatError `not-found` for anything else: the id may come from a client and becomes part of an address.
 */
export function placeOf(id: string): Place {
  const steps = id.replace(/^projects\/[^/]+\/locations\/[^/]+\//, "").split("/");
  const model = steps.at(-1) ?? "";
  const before = steps.slice(0, -1).join("/");
  const maker =
    before === "" ? (model.startsWith("claude-") ? "anthropic" : "google") : MAKERS.get(before);
  if (maker !== undefined && NAME.test(model)) return { maker, model };
  throw new ChatError(
    "not-found",
    `Vertex AI has no model of the form ${JSON.stringify(id)} that is spoken to here`,
    {
      param: "model",
      code: "model_not_found",
      tryElsewhere: true,
    },
  );
}

const MAKERS: ReadonlyMap<string, Place["maker"]> = new Map([
  ["google", "google"],
  ["publishers/google/models", "google"],
  ["anthropic", "anthropic"],
  ["publishers/anthropic/models", "anthropic"],
  ["endpoints", "endpoint"],
]);

/** The host of a location: one for the world, one for each union of regions, one for each region. */
export function hostOf(location: string): string {
  if (location === "global") return "aiplatform.googleapis.com";
  if (location === "us" || location === "eu") return `aiplatform.${location}.rep.googleapis.com`;
  return `${location}-aiplatform.googleapis.com`;
}

/** The location that one of Google's own hosts is for; undefined for any other host. */
export function locationOf(host: string): string | undefined {
  if (host === hostOf("global")) return "global";
  const union = /^aiplatform\.(us|eu)\.rep\.googleapis\.com$/.exec(host)?.[1];
  return union ?? /^([a-z]+-[a-z]+\d+)-aiplatform\.googleapis\.com$/.exec(host)?.[1];
}

/** Whether a project's or location's name can stand in an address. */
export function isSegment(text: string): boolean {
  return /^[\w.:-]+$/.test(text) && !/^\.+$/.test(text);
}
