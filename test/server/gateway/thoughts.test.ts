/** Reasoning that must come back unchanged: to its maker, from its tenant, for a while, and to nobody else. */
import { describe, expect, test } from "bun:test";
import { array, assert, constantFrom, integer, property, record } from "fast-check";

import type { ChatEvent } from "../../../src/connectors/hub/event.ts";
import type { ChatRequest, Message } from "../../../src/connectors/hub/request.ts";
import { collectThoughts, givenBack } from "../../../src/server/gateway/thoughts.ts";
import { createVault, type Kept, printOf, type Vault } from "../../../src/server/gateway/vault.ts";
import { chatRequest } from "../../contract/calling.ts";

const CLAUDE = "anthropic-claude-v1";

let now = 0;
const small = (): Vault =>
  createVault({ maxEntries: 3, maxSize: 10_000, maxAgeMs: 1000, clock: () => now });

/** An answer that thinks, speaks, calls, thinks again and calls again. */
const ANSWER: readonly ChatEvent[] = [
  { type: "start" },
  { type: "reasoning-start", index: 0, form: "text", format: CLAUDE },
  { type: "reasoning-delta", index: 0, text: "Two harbours." },
  { type: "reasoning-signature", index: 0, signature: "sig-1" },
  { type: "reasoning-end", index: 0 },
  { type: "text-start", index: 1 },
  { type: "text-delta", index: 1, text: "I look." },
  { type: "text-end", index: 1 },
  { type: "tool-start", index: 2, id: "call_a", name: "tide" },
  { type: "tool-delta", index: 2, arguments: "{}" },
  { type: "tool-end", index: 2 },
  { type: "reasoning-start", index: 3, form: "encrypted", format: CLAUDE },
  { type: "reasoning-signature", index: 3, data: "hidden" },
  { type: "reasoning-end", index: 3 },
  { type: "tool-start", index: 4, id: "call_b", name: "tide" },
  { type: "tool-end", index: 4 },
  { type: "finish", reason: "tool-calls" },
];

const FIRST = {
  type: "reasoning",
  form: "text",
  text: "Two harbours.",
  signature: "sig-1",
  format: CLAUDE,
} as const;
const SECOND = {
  type: "reasoning",
  form: "encrypted",
  text: "",
  data: "hidden",
  format: CLAUDE,
} as const;
const CALL_A = { type: "tool-call", id: "call_a", name: "tide", arguments: "{}" } as const;
const CALL_B = { type: "tool-call", id: "call_b", name: "tide", arguments: "" } as const;
const SAID = { type: "text", text: "I look." } as const;

/** A request whose one assistant message holds these. */
function after(...parts: Extract<Message, { role: "assistant" }>["parts"]): ChatRequest {
  return { ...chatRequest(), messages: [{ role: "assistant", parts }] };
}

function filled(family = "anthropic", tenant = "acme", events = ANSWER): Vault {
  now = 0;
  const vault = small();
  const collecting = collectThoughts(vault, tenant, family);
  // In pieces, as streams come.
  for (const event of events) collecting.observe([event]);
  return vault;
}

describe("thoughts around calls", () => {
  test("come back where they stood, when the client has lost them", () => {
    const request = after(SAID, CALL_A, CALL_B);
    const given = givenBack(request, "anthropic", filled(), "acme");
    expect(given.regrafted).toEqual(new Set([0]));
    expect(given.messages[0]?.parts).toEqual([FIRST, SAID, CALL_A, SECOND, CALL_B]);
  });

  test("are left alone where the client has kept them", () => {
    const request = after(FIRST, SAID, CALL_A, SECOND, CALL_B);
    expect(givenBack(request, "anthropic", filled(), "acme")).toBe(request);
  });

  test("take the place of copies that have lost their signature", () => {
    const unsigned = { type: "reasoning", form: "text", text: "Two harbours." } as const;
    const given = givenBack(after(unsigned, SAID, CALL_A, CALL_B), "anthropic", filled(), "acme");
    expect(given.messages[0]?.parts).toEqual([FIRST, SAID, CALL_A, SECOND, CALL_B]);
  });

  test("are given to no other tenant, no other maker, and not after their time", () => {
    const request = after(SAID, CALL_A, CALL_B);
    const vault = filled();
    expect(givenBack(request, "anthropic", vault, "other")).toBe(request);
    expect(givenBack(request, "gemini", vault, "acme")).toBe(request);
    expect(givenBack(request, undefined, vault, "acme")).toBe(request);
    now = 1001;
    expect(givenBack(request, "anthropic", vault, "acme")).toBe(request);
  });

  test("of a tenant whose name imitates another's stay apart", () => {
    const vault = filled("anthropic", 'a","b');
    expect(vault.find("a", { ...CALL_A, id: 'b","call_a' })).toBeUndefined();
    expect(vault.find('a","b', CALL_A)).toBeDefined();
  });

  test("may come behind the last call, as OpenRouter tells Gemini's", () => {
    const late = { type: "reasoning", form: "encrypted", text: "", data: "late" } as const;
    const vault = filled("gemini", "acme", [
      { type: "tool-start", index: 0, id: "call_a", name: "tide" },
      { type: "tool-delta", index: 0, arguments: "{}" },
      { type: "tool-end", index: 0 },
      { type: "reasoning-start", index: 1, form: "encrypted" },
      { type: "reasoning-signature", index: 1, data: "late" },
      { type: "reasoning-end", index: 1 },
      { type: "finish", reason: "tool-calls" },
    ]);
    const given = givenBack(after(SAID, CALL_A), "gemini", vault, "acme");
    expect(given.messages[0]?.parts).toEqual([SAID, CALL_A, late]);
  });

  test("may be a signature of the call itself", () => {
    const vault = filled("gemini", "acme", [
      { type: "tool-start", index: 0, id: "call_a", name: "tide", signature: "thought" },
      { type: "tool-end", index: 0 },
    ]);
    const given = givenBack(after(CALL_A, CALL_B), "gemini", vault, "acme");
    expect(given.messages[0]?.parts).toEqual([{ ...CALL_A, signature: "thought" }, CALL_B]);
  });
});

describe("thoughts of another maker", () => {
  test("are taken out, their readable words kept", () => {
    const foreign = { ...FIRST, format: "openai-responses-v1", id: "rs_1" } as const;
    const signed = { ...CALL_A, signature: "thought" } as const;
    const hidden = { ...SECOND, format: "google-gemini-v1" } as const;
    const given = givenBack(after(foreign, hidden, SAID, signed), "anthropic", small(), "acme");
    expect(given.messages[0]?.parts).toEqual([
      { type: "reasoning", form: "text", text: "Two harbours." },
      SAID,
      CALL_A,
    ]);
  });

  test("go to nobody who is known to take none, whoever signed them", () => {
    const unknown = { type: "reasoning", form: "text", text: "a", signature: "s" } as const;
    const noted = { type: "reasoning", form: "text", text: "b", format: "unknown" } as const;
    const plain = { type: "reasoning", form: "text", text: "c" } as const;
    const given = givenBack(after(unknown, noted, plain, SAID), "none", filled(), "acme");
    expect(given.messages[0]?.parts).toEqual([
      { type: "reasoning", form: "text", text: "a" },
      { type: "reasoning", form: "text", text: "b" },
      plain,
      SAID,
    ]);
    const call = after(SAID, CALL_A);
    expect(givenBack(call, "none", filled("none"), "acme")).toBe(call);
  });

  test("of whom nothing is known go on to whoever is asked", () => {
    const unknown = { type: "reasoning", form: "text", text: "a", signature: "s" } as const;
    const request = after(unknown);
    expect(givenBack(request, "anthropic", small(), "acme")).toBe(request);
  });
});

const KEPT: Kept = {
  name: "tide",
  print: printOf("{}"),
  family: "gemini",
  thoughts: [],
  first: true,
};

describe("the vault", () => {
  test("does not take a call for another one of the same id", () => {
    now = 0;
    const vault = small();
    const harbour = { id: "tide:0", name: "tide", arguments: '{"at": "Husum", "on": 1.0}' };
    const other = { ...harbour, arguments: '{"at":"Cuxhaven"}' };
    vault.keep("acme", "tide:0", { ...KEPT, print: printOf(harbour.arguments) });
    expect(vault.find("acme", { ...harbour, name: "weather" })).toBeUndefined();
    // An id that has come once may have its arguments changed by a client that mends them.
    expect(vault.find("acme", other)).toBeDefined();
    vault.keep("acme", "tide:0", { ...KEPT, print: printOf(other.arguments) });
    expect(vault.find("acme", harbour)).toBeUndefined();
    expect(vault.find("acme", { ...other, arguments: ' {"at" : "Cuxhaven"}' })).toBeDefined();
    expect(printOf('{"on":1,"at":"Husum"}')).toBe(printOf(harbour.arguments));
  });

  test("forgets the oldest when there are too many, or when they grow too large", () => {
    now = 0;
    const vault = small();
    const keep = (id: string, size = 1): void =>
      vault.keep("acme", id, {
        ...KEPT,
        signature: "x".repeat(size),
      });
    const find = (id: string) => vault.find("acme", { ...CALL_A, id });
    for (const id of ["1", "2", "3", "4"]) keep(id);
    expect(["1", "2", "3", "4"].map((id) => find(id) !== undefined)).toEqual([
      false,
      true,
      true,
      true,
    ]);
    keep("5", 9_500);
    expect(find("3")).toBeUndefined();
    expect(find("5")).toBeDefined();
    // Nor is there room for it when all others are gone.
    keep("6", 20_000);
    expect(["5", "6"].map((id) => find(id) !== undefined)).toEqual([true, false]);
  });

  test("lets go of what is too old, also of tenants that come no more", () => {
    now = 0;
    const vault = small();
    vault.keep("acme", "1", KEPT);
    now = 600;
    vault.keep("acme", "2", KEPT);
    now = 1001;
    vault.keep("other", "large", { ...KEPT, signature: "x".repeat(20_000) });
    expect(vault.isEmpty).toBe(false);
    now = 1601;
    vault.keep("other", "large", { ...KEPT, signature: "x".repeat(20_000) });
    expect(vault.isEmpty).toBe(true);
  });

  test("holds one thing for one call, the latest", () => {
    now = 0;
    const vault = small();
    for (let round = 0; round < 10; round += 1) {
      vault.keep("acme", "1", { ...KEPT, family: `f${round}` });
    }
    expect(vault.find("acme", { ...CALL_A, id: "1" })?.family).toBe("f9");
  });
});

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${at}`);
}

function roomFor(maxEntries: number): Vault {
  return createVault({ maxEntries, maxSize: maxEntries * 1000, maxAgeMs: 1000, clock: () => 0 });
}

function held(vault: Vault, tenant: string, among: readonly string[]): string[] {
  return among.filter((id) => vault.find(tenant, { ...CALL_A, id }) !== undefined);
}

describe("tenants in one vault", () => {
  test("one that keeps without end pushes out its own, not those of others", () => {
    const vault = roomFor(8);
    for (const id of ids(2)) vault.keep("quiet", id, KEPT);
    for (const id of ids(1000)) vault.keep("busy", id, KEPT);
    expect(held(vault, "quiet", ids(2))).toEqual(ids(2));
    expect(held(vault, "busy", ids(1000))).toEqual(ids(1000).slice(-6));
  });

  test("one that is alone has all the room, and makes some for those that come", () => {
    const vault = roomFor(8);
    for (const id of ids(9)) vault.keep("first", id, KEPT);
    expect(held(vault, "first", ids(9))).toEqual(ids(9).slice(1));
    for (const id of ids(3)) vault.keep("second", id, KEPT);
    expect(held(vault, "second", ids(3))).toEqual(ids(3));
    expect(held(vault, "first", ids(9))).toEqual(ids(9).slice(-5));
  });

  test("no name is another's", () => {
    const vault = roomFor(8);
    for (const name of ["__proto__", "constructor", ""]) vault.keep(name, "__proto__", KEPT);
    expect(held(vault, "__proto__", ["__proto__", "toString"])).toEqual(["__proto__"]);
    expect(held(vault, "toString", ["__proto__"])).toEqual([]);
  });

  test("only the one that keeps, or one with at least half of what the largest has, loses anything", () => {
    const tenants = ["a", "b", "c", "d", "e"];
    assert(
      property(
        array(record({ tenant: constantFrom(...tenants), many: integer({ min: 1, max: 9 }) }), {
          maxLength: 40,
        }),
        (turns) => {
          const vault = roomFor(16);
          const known = new Map(tenants.map((tenant) => [tenant, [] as string[]]));
          let next = 0;
          for (const { tenant, many } of turns) {
            for (let turn = 0; turn < many; turn += 1) {
              const id = String((next += 1));
              vault.keep(tenant, id, KEPT);
              known.get(tenant)?.push(id);
              const largest = Math.max(...[...known.values()].map((all) => all.length));
              let total = 0;
              for (const [name, all] of known) {
                const left = held(vault, name, all);
                // The oldest went first.
                expect(left).toEqual(all.slice(all.length - left.length));
                if (left.length < all.length && name !== tenant) {
                  expect(all.length).toBeGreaterThanOrEqual(largest / 2);
                }
                total += left.length;
                known.set(name, left);
              }
              expect(total).toBe(Math.min(next, 16));
            }
          }
        },
      ),
    );
  });
});
