import { describe, expect, test } from "bun:test";
import { errorOf } from "../../support/rejection.ts";
import { ask, asking } from "./ask.ts";

describe("output formats", () => {
  const schema = {
    type: "object",
    properties: { name: { type: "string" }, tags: { type: "array", items: { type: "string" } } },
    required: ["name", "tags"],
    additionalProperties: false,
  };
  const format = {
    type: "json_schema",
    json_schema: { name: "thing", schema, strict: true },
  };

  test("a JSON schema is kept to by every model that speaks", async () => {
    for (const model of ["json", "echo", "story", "reason"]) {
      const { text } = await ask(model, asking("About Berlin", { response_format: format }));
      expect(JSON.parse(text)).toEqual({ name: "Berlin", tags: ["tags"] });
    }
  });

  test("a JSON object is one, and json gives one unasked", async () => {
    const object = { response_format: { type: "json_object" } };
    expect(JSON.parse((await ask("echo", asking("hi", object))).text)).toEqual({ answer: "hi" });
    expect(JSON.parse((await ask("json", "hi")).text)).toEqual({ answer: "hi" });
  });

  test("a schema that allows nothing is refused with its field", async () => {
    const impossible = { type: "json_schema", json_schema: { name: "x", schema: { not: {} } } };
    const error = await errorOf(ask("json", asking("hi", { response_format: impossible })));
    expect([error.kind, error.param]).toEqual([
      "invalid-request",
      "response_format.json_schema.schema",
    ]);
  });

  test("log probabilities are of certainty, one for each token", async () => {
    const { reply } = await ask("echo", asking("one two", { logprobs: true, top_logprobs: 2 }));
    expect(reply.logprobs?.content).toMatchObject([
      { token: "one", logprob: 0, top_logprobs: [{ token: "one" }] },
      { token: " two", logprob: 0, bytes: [32, 116, 119, 111] },
    ]);
  });
});
