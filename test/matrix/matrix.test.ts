/** Doors × providers × scenarios: what is sent, what is answered, and that the answer says what the provider said. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { type Json, type JsonObject } from "../../src/connectors/hub/json.ts";
import type { Answer } from "./answers.ts";
import { doors, fillCell } from "./cell.ts";
import { renderMatrix } from "./render.ts";
import { type DoorName, scenarios } from "./scenarios.ts";
import { targets } from "./targets.ts";
import { list, object, text } from "../support/json.ts";

const ROOT = join(import.meta.dir, "../..");

test("the page and the golden files are those of today's code: else run `bun scripts/compatibility.ts` and read the diff", async () => {
  for (const [path, content] of await renderMatrix()) {
    const file = Bun.file(join(ROOT, path));
    expect([path, (await file.exists()) ? await file.text() : ""]).toEqual([path, content]);
  }
});

type Said = { text: string; calls: { name: string; input: unknown }[]; output: number };

/** The plainest reading of an answer in a door's dialect. */
function read(door: DoorName, answer: JsonObject): Said {
  if (door === "anthropic-messages") {
    const blocks = list(answer["content"]).map(object);
    return {
      text: blocks.map((block) => text(block["text"])).join(""),
      calls: blocks
        .filter((block) => block["type"] === "tool_use")
        .map(({ name, input }) => ({ name: text(name), input })),
      output: Number(object(answer["usage"])["output_tokens"]),
    };
  }
  const message = object(object(list(answer["choices"])[0])["message"]);
  return {
    text: text(message["content"]),
    calls: list(message["tool_calls"]).map((call) => {
      const made = object(object(call)["function"]);
      const input: unknown = JSON.parse(text(made["arguments"]));
      return { name: text(made["name"]), input };
    }),
    output: Number(object(answer["usage"])["completion_tokens"]),
  };
}

/** The text of a stream's deltas. */
function streamedText(answer: string): string {
  let said = "";
  for (const line of answer.split("\n")) {
    if (!line.startsWith("data: {")) continue;
    const event: Json = JSON.parse(line.slice("data: ".length));
    const chunk = object(event);
    said += text(object(chunk["delta"])["text"]);
    said += text(object(object(list(chunk["choices"])[0])["delta"])["content"]);
  }
  return said;
}

function expected({ text: said, calls = [], usage }: Answer): Said {
  return { text: said ?? "", calls: [...calls], output: usage[2] };
}

for (const door of Object.keys(doors).filter((name): name is DoorName => name in doors)) {
  for (const target of targets) {
    describe(`${door} to ${target.name}`, () => {
      for (const scenario of scenarios) {
        test(`${scenario.name} says what the provider said, or is refused for a stated reason`, async () => {
          const cell = await fillCell(door, target, scenario);
          if ("refused" in cell) {
            expect(cell.refused.param).not.toBe("");
            expect(cell.refused.message).toContain("provider");
            return;
          }
          const { answer } = cell;
          if (typeof answer === "string") {
            expect(streamedText(answer)).toBe(scenario.answer.text ?? "");
            expect(answer).toContain("logical");
            expect(answer).toMatch(/\[DONE\]\n\n$|message_stop"\}\n\n$/);
          } else {
            expect(read(door, answer)).toEqual(expected(scenario.answer));
            expect(answer["model"]).toBe("logical");
          }
        });
      }
    });
  }
}
