/**
 * What models want back with the next turn and clients lose on the way: signatures and encrypted thoughts around calls of tools.
 * Kept in memory for a while, for the tenant whose answer it was, under the ids of the calls, which every client sends back.
 */
import type { ReasoningPart } from "../../connectors/hub/request.ts";

/** What stood around one call. */
export type Kept = {
  /** The maker, see `Capabilities.reasoningFamily`. */
  readonly family: string;
  /** Thoughts between this call and the one before it, or the beginning of the answer. */
  readonly thoughts: readonly ReasoningPart[];
  /** Whether the thoughts stood in front of all else, texts included. */
  readonly first: boolean;
  /** The call's own signature. */
  readonly signature?: string | undefined;
};

export type Vault = {
  keep(tenantId: string, callId: string, kept: Kept): void;
  find(tenantId: string, callId: string): Kept | undefined;
  readonly isEmpty: boolean;
};

export type VaultOptions = {
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

type Entry = { readonly kept: Kept; readonly size: number; readonly at: number };

export function createVault(options: VaultOptions): Vault {
  /** The oldest first. */
  const entries = new Map<string, Entry>();
  let size = 0;

  const drop = (key: string, entry: Entry): void => {
    entries.delete(key);
    size -= entry.size;
  };
  const trim = (): void => {
    const oldest = options.clock() - options.maxAgeMs;
    for (const [key, entry] of entries) {
      const fits = entries.size <= options.maxEntries && size <= options.maxSize;
      if (fits && entry.at >= oldest) return;
      drop(key, entry);
    }
  };

  return {
    keep(tenantId, callId, kept) {
      const key = keyOf(tenantId, callId);
      const known = entries.get(key);
      if (known) drop(key, known);
      const entry = { kept, size: sizeOf(kept), at: options.clock() };
      entries.set(key, entry);
      size += entry.size;
      trim();
    },
    find(tenantId, callId) {
      const entry = entries.get(keyOf(tenantId, callId));
      if (!entry || entry.at < options.clock() - options.maxAgeMs) return undefined;
      return entry.kept;
    },
    get isEmpty() {
      return entries.size === 0;
    },
  };
}

/** Neither a tenant's name nor an id can be made to look like another tenant's. */
function keyOf(tenantId: string, callId: string): string {
  return JSON.stringify([tenantId, callId]);
}

function sizeOf({ thoughts, signature }: Kept): number {
  let size = 200 + (signature?.length ?? 0);
  for (const { text, data, signature: signed } of thoughts) {
    size += 100 + text.length + (data?.length ?? 0) + (signed?.length ?? 0);
  }
  return size;
}
