/**
 * What models want back with the next turn and clients lose on the way: signatures and encrypted thoughts around calls of tools.
 * Kept in memory for a while, for the tenant whose answer it was, under the ids of the calls, which every client sends back.
 */
import { isJsonObject, type Json } from "../../connectors/hub/json.ts";
import type { ReasoningPart, ToolCallPart } from "../../connectors/hub/request.ts";
import { createShelves } from "./shelves.ts";

/** What stood around one call. */
export type Kept = {
  /** Of the tool that was called. */
  readonly name: string;
  /** See `printOf`. */
  readonly print: bigint | number;
  /** The maker, see `Capabilities.reasoningFamily`. */
  readonly family: string;
  /** Thoughts between this call and the one before it, or the beginning of the answer. */
  readonly thoughts: readonly ReasoningPart[];
  /** Whether the thoughts stood in front of all else, texts included. */
  readonly first: boolean;
  /** Thoughts behind the answer's last call: OpenRouter tells some of Gemini's there. */
  readonly after?: readonly ReasoningPart[] | undefined;
  /** The call's own signature. */
  readonly signature?: string | undefined;
};

export type Vault = {
  keep(tenantId: string, callId: string, kept: Kept): void;
  /**
   * What was kept for a call. Some models count their calls from 0 in every conversation: the tool must be the same, and once an
   * id has come twice, the arguments too.
   */
  find(tenantId: string, call: Pick<ToolCallPart, "id" | "name" | "arguments">): Kept | undefined;
  readonly isEmpty: boolean;
};

export type VaultOptions = {
  /** How many fit while they are small: each counts for its part of the room at least. */
  readonly maxEntries: number;
  /** Of the opaque texts, counted in UTF-16 units. */
  readonly maxSize: number;
  readonly maxAgeMs: number;
  /** Unix milliseconds. */
  readonly clock: () => number;
};

/** An afternoon with a coding agent, for some thousand of them. */
export const VAULT_LIMITS = {
  maxEntries: 50_000,
  maxSize: 64 * 1024 * 1024,
  maxAgeMs: 12 * 60 * 60 * 1000,
} as const;

type Entry = {
  readonly kept: Kept;
  /** Whether its id has been given to another call before. */
  readonly isReused: boolean;
};

/** Empty; what is too old or too much goes by itself. */
export function createVault(options: VaultOptions): Vault {
  const shelves = createShelves<Entry>(options);
  const leastSize = Math.floor(options.maxSize / options.maxEntries);
  return {
    keep(tenantId, callId, kept) {
      const known = shelves.get(tenantId, callId);
      const isReused = known !== undefined && (known.isReused || known.kept.print !== kept.print);
      const size = Math.max(sizeOf(kept), leastSize);
      shelves.put(tenantId, callId, { kept, isReused }, size);
    },
    find(tenantId, call) {
      const entry = shelves.get(tenantId, call.id);
      if (!entry) return undefined;
      const { kept, isReused } = entry;
      if (kept.name !== call.name) return undefined;
      return isReused && kept.print !== printOf(call.arguments) ? undefined : kept;
    },
    get isEmpty() {
      return shelves.isEmpty;
    },
  };
}

/** Tells arguments of calls apart, however a client has written the same ones anew. */
export function printOf(json: string): bigint | number {
  try {
    return Bun.hash(JSON.stringify(sorted(JSON.parse(json.trim() === "" ? "{}" : json))));
  } catch {
    return Bun.hash(json);
  }
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => sorted(item));
  if (!isJsonObject(value)) return value;
  const fields = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(fields.map(([name, field]) => [name, sorted(field ?? null)]));
}

function sizeOf({ thoughts, after = [], signature }: Kept): number {
  let size = 200 + (signature?.length ?? 0);
  for (const { text, data, signature: signed } of [...thoughts, ...after]) {
    size += 100 + text.length + (data?.length ?? 0) + (signed?.length ?? 0);
  }
  return size;
}
