import { describe, expect, test } from "bun:test";

import { chatRequest, converse } from "../contract/calling.ts";
import { TEXT_REPLY } from "../contract/gemini-answers.ts";
import { offline, target } from "./_vertex.ts";
import { text } from "../support/json.ts";

describe("signatures of another maker, model or project", () => {
  const request = chatRequest({
    messages: [
      { role: "user", content: "Look." },
      {
        role: "assistant",
        content: null,
        tool_calls: [
          {
            id: "c",
            type: "function",
            function: { name: "look", arguments: "{}" },
            extra_content: { google: { thought_signature: "c2ln" } },
          },
        ],
      },
      { role: "tool", tool_call_id: "c", content: "a ship" },
    ],
  });
  const refused = {
    error: { code: 400, message: "Thought signature is not valid.", status: "INVALID_ARGUMENT" },
  };

  function strict(refuses: (body: string) => boolean) {
    const sent: string[] = [];
    const { connector } = offline({
      fetch(_, init) {
        const body = text(init.body);
        sent.push(body);
        return Promise.resolve(
          refuses(body) ? Response.json(refused, { status: 400 }) : Response.json(TEXT_REPLY),
        );
      },
    });
    return { connector, sent };
  }

  test("that are refused are left away, and the question is asked once more", async () => {
    for (const stream of [false, true]) {
      const { connector, sent } = strict((body) => body.includes("c2ln"));
      const { reply } = await converse(connector, { ...request, stream }, target("gemini-3-pro"));
      expect(reply.parts).toEqual([{ type: "text", text: "Hello there" }]);
      expect(sent.map((body) => /"thoughtSignature":"(\w+)"/.exec(body)?.[1])).toEqual([
        "c2ln",
        "skip_thought_signature_validator",
      ]);
    }
  });

  test("that are refused even so are an error, as are those that the caller never sent", async () => {
    const { connector, sent } = strict(() => true);
    for (const [asked, times] of [
      [request, 2],
      [chatRequest(), 1],
    ] as const) {
      sent.length = 0;
      const error: unknown = await converse(connector, asked, target("gemini-3-pro")).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ kind: "invalid-request", code: "thought_signature_refused" });
      expect(sent.length).toBe(times);
    }
  });
});
