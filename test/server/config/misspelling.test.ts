import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { showFault } from "../../../src/server/config/faults.ts";
import { readFileTree } from "../../../src/server/config/file-tree.ts";

/** A good file; whatever stands behind `*` may be misspelled without another fault of its own. */
const good = `
[server]
* port = 8080
* drain_ms = 1
* keep_alive_ms = 1
[log]
* level = "info"
* format = "json"
[timeouts]
* connect_ms = 1
* headers_ms = 1
* first_event_ms = 1
* idle_ms = 1
* total_ms = 1
[breaker]
* failures = 1
* cooldown_ms = 1
[limits]
* max_body_bytes = 1024
* max_messages = 1
* max_tokens = 1
[prices.a]
input = 1
output = 1
* cache_read = 1
* cache_write = 1
[providers.openai]
* base_url = "http://x/v1"
* headers = { "x-a" = "b" }
[[models."a b".routes]]
provider = "openai"
provider_model_id = """
x"""
* timeouts_ms = 1
[[models."a b".routes]]
provider = "openai"
provider_model_id = "y"
* region = "eu"
* project = "p"
[models."a b".fallback]
provider = "openai"
provider_model_id = "z"
[models."a b".fallback.retry]
* max_retries = 1
* backoff_ms = 1
`.split("\n");

const spellable = good.flatMap((line, index) => (line.startsWith("* ") ? [index] : []));

const slips: readonly ((name: string, at: number) => string)[] = [
  (name, at) => name.slice(0, at) + name.slice(at + 1),
  (name, at) => name.slice(0, at) + name.charAt(at) + name.slice(at),
  (name, at) => `${name.slice(0, at)}x${name.slice(at + 1)}`,
  (name, at) => name.slice(0, at) + name.charAt(at + 1) + name.charAt(at) + name.slice(at + 2),
  (name, at) => name.slice(0, at) + name.charAt(at).toUpperCase() + name.slice(at + 1),
];

type Slip = { readonly index: number; readonly at: number; readonly kind: number };

const anySlips = fc.uniqueArray(
  fc.record({
    index: fc.constantFrom(...spellable),
    at: fc.nat(20),
    kind: fc.nat(slips.length - 1),
  }),
  { selector: ({ index }) => index },
);

describe("misspelled fields", () => {
  test("are all reported, each with its line and the name that was meant, and nothing else is", async () => {
    await fc.assert(
      fc.asyncProperty(anySlips, async (chosen) => {
        const lines = good.map((line) => line.replace("* ", ""));
        const expected = chosen
          .toSorted((a, b) => a.index - b.index)
          .flatMap((slip) => misspell(lines, slip));
        const file = { path: "/x/xjp.toml", shown: "xjp.toml", text: lines.join("\n") };
        const { faults } = await readFileTree(file, { cwd: "/x", env: {} });
        expect(faults.map(shorten)).toEqual(expected);
      }),
    );
  });
});

/** Spoils one line and gives the beginning and the end of what the report has to say about it. */
function misspell(lines: string[], { index, at, kind }: Slip): readonly string[] {
  const [, name = "", value] = /^(\w+) = (.*)$/.exec(lines[index] ?? "") ?? [];
  const typed = slips[kind]?.(name, at % (name.length - 1)) ?? name;
  if (typed === name) return [];
  lines[index] = `${typed} = ${value}`;
  return [`xjp.toml:${index + 1}: ${typed}: unknown field; did you mean "${name}"?`];
}

function shorten(fault: Parameters<typeof showFault>[0]): string {
  const field = fault.field.split(".").at(-1) ?? "";
  return showFault({ ...fault, field }).replace(/, expected one of [^;]*/, "");
}
