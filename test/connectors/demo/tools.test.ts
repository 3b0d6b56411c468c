import { describe, expect, test } from "bun:test";
import type { JsonObject } from "../../../src/connectors/hub/json.ts";
import { errorOf } from "../../support/rejection.ts";
import { ask, asking, weather } from "./ask.ts";

const clock = { type: "function", function: { name: "get_time" } };

/** Name and arguments of each call in the answer; the type of what is no call. */
async function callsIn(content: string, more: JsonObject): Promise<readonly string[][]> {
  const { reply } = await ask("tools", asking(content, more));
  return reply.parts.map((part) =>
    part.type === "tool-call" ? [part.name, part.arguments] : [part.type],
  );
}

describe("tools", () => {
  test("calls a tool with arguments that its schema allows", async () => {
    const { reply } = await ask("tools", asking("Weather in Paris?", { tools: [weather] }));
    expect(reply.finish).toBe("tool-calls");
    expect(reply.parts).toMatchObject([
      { name: "get_weather", arguments: '{"city":"Paris","unit":"celsius"}' },
    ]);
  });

  test("calls several at once when asked, with ids of their own", async () => {
    const body = asking("The weather in both Paris and Rome", { tools: [weather] });
    const { reply } = await ask("tools", body);
    expect(reply.parts).toMatchObject([
      { arguments: '{"city":"Paris","unit":"celsius"}' },
      { arguments: '{"city":"Rome","unit":"celsius"}' },
    ]);
    expect(new Set(reply.parts.map((part) => "id" in part && part.id)).size).toBe(2);
    expect(await callsIn("use all of them", { tools: [weather, clock] })).toHaveLength(2);
  });

  test("calls one at a time when parallel calls are switched off", async () => {
    const tools = [weather, clock];
    expect(await callsIn("both, please", { tools, parallel_tool_calls: false })).toHaveLength(1);
  });

  test("prefers the tool that the user names", async () => {
    expect(await callsIn("use get_time", { tools: [weather, clock] })).toEqual([
      ["get_time", "{}"],
    ]);
  });

  test("keeps to tool_choice", async () => {
    const tools = [weather, clock];
    const named = { type: "function", function: { name: "get_time" } };
    expect(await callsIn("go", { tools, tool_choice: named })).toEqual([["get_time", "{}"]]);
    expect(await callsIn("go", { tools, tool_choice: "none" })).toEqual([["text"]]);
    const [required] = await callsIn("go", { tools, tool_choice: "required" });
    expect(required?.[0]).toBe("get_weather");
    const allowed = {
      type: "allowed_tools",
      allowed_tools: {
        mode: "auto",
        tools: [{ type: "function", function: { name: "get_time" } }],
      },
    };
    expect(await callsIn("go", { tools, tool_choice: allowed })).toEqual([["get_time", "{}"]]);
  });

  test("refuses a tool_choice that cannot be met", async () => {
    const unknown = { type: "function", function: { name: "get_tea" } };
    for (const body of [{ tool_choice: "required" }, { tools: [weather], tool_choice: unknown }]) {
      const error = await errorOf(callsIn("go", body));
      expect([error.kind, error.param]).toEqual(["invalid-request", "tool_choice"]);
    }
  });

  test("answers with what the tools gave back", async () => {
    const { reply, text } = await ask("tools", {
      messages: [
        { role: "user", content: "Weather in Paris?" },
        {
          role: "assistant",
          content: null,
          tool_calls: [
            {
              id: "c1",
              type: "function",
              function: { name: "get_weather", arguments: '{"city":"Paris"}' },
            },
          ],
        },
        { role: "tool", tool_call_id: "c1", content: "21 degrees" },
      ],
      tools: [weather],
    });
    expect(reply.finish).toBe("stop");
    expect(text).toBe('get_weather({"city":"Paris"}) says: 21 degrees');
  });

  test("says so when there is nothing to call", async () => {
    expect((await ask("tools", "go")).text).toContain("offered none");
  });
});
