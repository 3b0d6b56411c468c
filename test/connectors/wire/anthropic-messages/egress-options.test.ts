import { describe, expect, test } from "bun:test";

import {
  bodyOf,
  CALL,
  encode,
  type Fields,
  NEW,
  refusal,
  RESULT,
  SONNET,
  user,
} from "./_encode.ts";

function part(fields: Fields, model?: string): unknown {
  const { thinking, output_config, max_tokens } = bodyOf(fields, model);
  return { thinking, output_config, max_tokens };
}

describe("thinking", () => {
  const HIGH: Fields = { reasoning: { effort: "high" } };
  test("is asked for with a budget of the earlier models, which leaves room for an answer", () => {
    expect(part(HIGH)).toMatchObject({
      thinking: { type: "enabled", budget_tokens: 16_384 },
      max_tokens: 32_000,
    });
    expect(part({ ...HIGH, maxOutputTokens: 5000 })).toMatchObject({
      thinking: { budget_tokens: 4000 },
      max_tokens: 5000,
    });
    expect(part({ reasoning: { budgetTokens: 60_000 } })).toMatchObject({
      thinking: { budget_tokens: 60_000 },
      max_tokens: 64_096,
    });
    expect(encode({ ...HIGH, maxOutputTokens: 1000 }).dropped).toEqual(["reasoning"]);
  });

  test("is asked for with an effort that the model knows, in place of a budget too", () => {
    expect(part({ reasoning: { effort: "xhigh" } }, "claude-opus-4-6")).toMatchObject({
      thinking: { type: "adaptive", display: "summarized" },
      output_config: { effort: "high" },
    });
    expect(part({ reasoning: { budgetTokens: 2000, hidden: true } }, NEW)).toMatchObject({
      thinking: { type: "adaptive", display: "omitted" },
      output_config: { effort: "low" },
    });
    expect(part({ reasoning: { effort: "minimal" } }, "claude-opus-4-5")).toMatchObject({
      thinking: { type: "enabled", budget_tokens: 1024 },
      output_config: { effort: "low" },
    });
  });

  test("is turned off in the words of each generation", () => {
    const off: Fields = { reasoning: { effort: "none" } };
    const words = (model: string): unknown => bodyOf(off, model)["thinking"];
    expect(words(SONNET)).toBeUndefined();
    expect(words(NEW)).toBeUndefined();
    expect(words("claude-opus-5")).toEqual({ type: "disabled" });
    expect(words("claude-sonnet-5-5")).toEqual({ type: "between_tools" });
    expect(words("claude-opus-5-5")).toBeUndefined();
    expect(encode(off, "claude-opus-5-5").dropped).toEqual(["reasoning"]);
  });

  test("makes way for a forced call, and for sampling where the two exclude each other", () => {
    const forced: Fields = { ...HIGH, tools: [{ name: "f" }], toolChoice: { type: "required" } };
    expect(encode(forced).body["thinking"]).toBeUndefined();
    expect(encode(forced).dropped).toEqual(["reasoning"]);
    // As recorded with this model.
    expect(bodyOf(forced, "claude-opus-4-6")["thinking"]).toMatchObject({ type: "adaptive" });
    expect(encode({ ...HIGH, sampling: { temperature: 0.5 } }).dropped).toEqual(["temperature"]);
  });

  test("is not begun in the middle of a turn that another model began, unless the model minds not", () => {
    const turn: Fields = { ...HIGH, tools: [{ name: "f" }], messages: [user("a"), CALL, RESULT] };
    expect(encode(turn).dropped).toEqual(["reasoning"]);
    expect(bodyOf(turn, NEW)["thinking"]).toMatchObject({ type: "adaptive" });
  });

  test("is nothing to a model that cannot", () => {
    expect(encode(HIGH, "claude-3-5-haiku-20241022").dropped).toEqual(["reasoning"]);
  });
});

describe("sampling", () => {
  const sampling = { temperature: 1.4, topP: 0.9, topK: 5, seed: 7, minP: 0.1 };

  test("is cut to what the model takes, and what it does not is told", () => {
    expect(encode({ sampling }, "claude-3-5-sonnet-20241022")).toMatchObject({
      body: { temperature: 1, top_p: 0.9, top_k: 5 },
      dropped: ["min_p", "seed", "temperature"],
    });
    const one = encode({ sampling });
    expect(one.body["top_p"]).toBeUndefined();
    expect(one.dropped).toEqual(["min_p", "seed", "temperature", "top_p"]);
    const none = encode({ sampling: { temperature: 0, topP: 1, topK: 1 } }, NEW);
    expect(none.body).not.toContainAnyKeys(["temperature", "top_p", "top_k"]);
    expect(none.dropped).toEqual(["temperature", "top_p", "top_k"]);
  });

  test("that changes what is answered is refused", () => {
    expect(refusal({ sampling: { logitBias: { "1": 5 } } })).toBe("logit_bias");
    expect(refusal({ sampling: { logprobs: true } })).toBe("logprobs");
    expect(refusal({ candidates: 2 })).toBe("n");
    expect(refusal({ stop: ["\n"] })).toBe("stop");
    expect(bodyOf({ stop: ["END"] })["stop_sequences"]).toEqual(["END"]);
  });
});

describe("structured output", () => {
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      name: { type: "string", minLength: 1 },
      tags: { type: "array", items: { type: "object", properties: {} }, maxItems: 3 },
      either: { oneOf: [{ type: "string", format: "date" }, { $ref: "#/$defs/n" }] },
    },
    $defs: { n: { type: "number", maximum: 9 } },
    required: ["name"],
  };

  test("closes objects and tells the model what Anthropic would refuse", () => {
    const output = { type: "json-schema", name: "n", schema } as const;
    expect(bodyOf({ output })["output_config"]).toEqual({
      format: {
        type: "json_schema",
        schema: {
          type: "object",
          properties: {
            name: { type: "string", description: "{minLength: 1}" },
            tags: {
              type: "array",
              items: { type: "object", properties: {}, additionalProperties: false },
              description: "{maxItems: 3}",
            },
            either: { anyOf: [{ type: "string", format: "date" }, { $ref: "#/$defs/n" }] },
          },
          $defs: { n: { type: "number", description: "{maximum: 9}" } },
          required: ["name"],
          additionalProperties: false,
        },
      },
    });
  });

  test("is refused by name where the model has it not", () => {
    const output = { type: "json-schema", name: "n", schema } as const;
    expect(refusal({ output }, "claude-sonnet-4-20250514")).toBe("response_format");
    expect(refusal({ output }, SONNET, { schemas: false })).toBe("response_format");
  });

  test("of any form is asked for in words", () => {
    const { system: said } = bodyOf({ output: { type: "json" } });
    expect(said).toContain("JSON object");
  });
});

describe("who asks", () => {
  test("is told, unless it is a name that Anthropic refuses", () => {
    expect(bodyOf({ user: "u-1" })["metadata"]).toEqual({ user_id: "u-1" });
    for (const name of ["someone@x.example", "u".repeat(300)]) {
      const { body, dropped } = encode({ user: name });
      expect(body["metadata"]).toBeUndefined();
      expect(dropped).toEqual(["user"]);
    }
  });

  test("may ask for what has no place here, and hears of it", () => {
    const { dropped } = encode({
      verbosity: "low",
      cacheKey: "k",
      metadata: { a: "b" },
      unmapped: [{ field: "store", harmless: true }],
    });
    expect(dropped).toEqual(["store", "verbosity", "prompt_cache_key", "metadata"]);
    expect(refusal({ unmapped: [{ field: "web_search_options", harmless: false }] })).toBe(
      "web_search_options",
    );
  });
});
