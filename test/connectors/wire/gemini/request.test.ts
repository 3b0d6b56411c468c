import { describe, expect, test } from "bun:test";

import { isJsonObject, type JsonObject } from "../../../../src/connectors/hub/json.ts";
import type { GeminiQuirks } from "../../../../src/connectors/wire/gemini/egress.ts";
import { chatRequest } from "../../../contract/calling.ts";
import { chatErrorOf } from "../../../support/rejection.ts";
import { encode } from "./_machines.ts";

const TOOL = { type: "function", function: { name: "look", parameters: { type: "object" } } };

function config(source: JsonObject, model = "gemini-2.5-flash"): JsonObject {
  const { body } = encode(chatRequest(source), model);
  const found = body["generationConfig"];
  return isJsonObject(found) ? found : {};
}

function refusal(source: JsonObject, model = "gemini-2.5-flash", quirks: GeminiQuirks = {}) {
  const error = chatErrorOf(() => encode(chatRequest(source), model, quirks));
  expect(error).toMatchObject({ kind: "invalid-request", code: "unsupported_by_provider" });
  expect(error.traits.tryElsewhere).toBe(true);
  return error.param;
}

const image = (url: string): JsonObject => ({
  messages: [{ role: "user", content: [{ type: "image_url", image_url: { url } }] }],
});

const thinking = (source: JsonObject, model: string): unknown =>
  config(source, model)["thinkingConfig"];

const written = (source: JsonObject): JsonObject =>
  encode(chatRequest(source), "gemini-2.5-flash").body;

const allowed = (mode: string) => ({
  type: "allowed_tools",
  allowed_tools: { mode, tools: [{ type: "function", function: { name: "listen" } }] },
});

const effort = (word: string, model: string): unknown =>
  thinking({ reasoning_effort: word }, model);

const google = (tool: string): JsonObject => ({
  extra_body: { google: { tools: [{ [tool]: {} }] } },
});

describe("what Gemini cannot do is refused before it costs anything", () => {
  test("by the field that asks for it", () => {
    expect(refusal({ n: 2 })).toBe("n");
    expect(refusal({ logit_bias: { "1": 2 } })).toBe("logit_bias");
    expect(refusal({ stop: ["1", "2", "3", "4", "5", "6"] })).toBe("stop");
    expect(refusal({ tools: [TOOL], parallel_tool_calls: false })).toBe("parallel_tool_calls");
    expect(refusal({ web_search_options: {} })).toBe("web_search_options");
    expect(refusal({ extra_body: { google: { unheard_of: 1 } } })).toBe(
      "extra_body.google.unheard_of",
    );
    expect(refusal({ messages: [{ role: "tool", tool_call_id: "gone", content: "" }] })).toBe(
      "messages",
    );
    const file = { type: "file", file: { file_id: "file-abc" } };
    expect(refusal({ messages: [{ role: "user", content: [file] }] })).toBe("messages");
  });

  test("such as JSON beside tools before Gemini 3", () => {
    const both = { tools: [TOOL], response_format: { type: "json_object" } };
    expect(refusal(both)).toBe("response_format");
    expect(config(both, "gemini-3-flash-preview")).toEqual({
      responseMimeType: "application/json",
    });
  });

  test("such as addresses where the host fetches none, but for those of Google's own", () => {
    const quirks = { mediaUrls: false };
    const youtube = image("https://www.youtube.com/watch?v=x");
    expect(JSON.stringify(encode(chatRequest(youtube), "gemini-2.5-flash", quirks).body)).toContain(
      "youtube",
    );
    expect(refusal(image("https://pictures.example/a.png"), "gemini-2.5-flash", quirks)).toBe(
      "messages",
    );
  });

  test("such as buckets that the operator has not named, which are read with the gateway's rights", () => {
    const at = "gs://bucket/a.png";
    for (const quirks of [{}, { buckets: ["bucket-2", "a"] }]) {
      expect(refusal(image(at), "gemini-2.5-flash", quirks)).toBe("messages");
      expect(refusal(image("GS://bucket"), "gemini-2.5-flash", quirks)).toBe("messages");
    }
    for (const buckets of [["bucket"], ["*"]]) {
      const { body } = encode(chatRequest(image(at)), "gemini-2.5-flash", { buckets });
      expect(JSON.stringify(body)).toContain('"fileUri":"gs://bucket/a.png"');
    }
  });

  test("such as tools of Google's own that read what the gateway's project keeps", () => {
    expect(refusal(google("retrieval"))).toBe("extra_body.google.tools");
    expect(encode(chatRequest(google("googleSearch"))).body["tools"]).toEqual([
      { googleSearch: {} },
    ]);
  });
});

describe("thinking", () => {
  test("is told by a budget to 2.5, within each model's bounds", () => {
    const shown = { includeThoughts: true };
    expect(effort("low", "gemini-2.5-pro")).toEqual({ thinkingBudget: 1024, ...shown });
    expect(effort("medium", "gemini-2.5-flash")).toEqual({ thinkingBudget: 8192, ...shown });
    expect(effort("xhigh", "gemini-2.5-flash")).toEqual({ thinkingBudget: 24_576, ...shown });
    expect(effort("none", "gemini-2.5-flash")).toEqual({ thinkingBudget: 0 });
    expect(effort("none", "gemini-2.5-pro")).toEqual({ thinkingBudget: 128 });
    expect(thinking({ reasoning: { max_tokens: 100 } }, "gemini-2.5-flash-lite")).toEqual({
      thinkingBudget: 512,
      ...shown,
    });
    expect(thinking({ thinking: { type: "adaptive" } }, "gemini-2.5-pro")).toEqual({
      thinkingBudget: -1,
      ...shown,
    });
  });

  test("is told by a level from Gemini 3 on, by those that the model has", () => {
    const shown = { includeThoughts: true };
    expect(effort("minimal", "gemini-3-flash-preview")).toEqual({
      thinkingLevel: "MINIMAL",
      ...shown,
    });
    expect(effort("minimal", "gemini-3.8-flash")).toEqual({ thinkingLevel: "LOW", ...shown });
    expect(effort("medium", "gemini-3-pro-preview")).toEqual({ thinkingLevel: "HIGH", ...shown });
    expect(effort("medium", "gemini-3.1-pro-preview")).toEqual({
      thinkingLevel: "MEDIUM",
      ...shown,
    });
    expect(effort("max", "gemini-flash-latest")).toEqual({ thinkingLevel: "HIGH", ...shown });
    expect(effort("none", "gemini-3.1-pro-preview")).toEqual({ thinkingLevel: "LOW" });
    expect(thinking({ reasoning: { max_tokens: 2000 } }, "gemini-3-flash-preview")).toEqual({
      thinkingLevel: "LOW",
      ...shown,
    });
  });

  test("is not spoken of to models that do not think, nor where nobody asks", () => {
    expect(effort("high", "gemini-2.0-flash")).toBeUndefined();
    expect(encode(chatRequest({ reasoning_effort: "high" }), "gemini-2.0-flash").dropped).toEqual([
      "reasoning",
    ]);
    expect(thinking({}, "gemini-3-pro-preview")).toBeUndefined();
  });
});

describe("tools", () => {
  const other = { type: "function", function: { name: "listen", strict: true } };

  test("may be called, must be or must not, each by a mode", () => {
    const mode = (tool_choice: string): unknown =>
      written({ tools: [TOOL], tool_choice })["toolConfig"];
    expect(mode("auto")).toEqual({ functionCallingConfig: { mode: "AUTO" } });
    expect(mode("required")).toEqual({ functionCallingConfig: { mode: "ANY" } });
    expect(mode("none")).toEqual({ functionCallingConfig: { mode: "NONE" } });
    expect(written({ tools: [TOOL] })["toolConfig"]).toBeUndefined();
    expect(written({ tool_choice: "auto" })["toolConfig"]).toBeUndefined();
  });

  test("that are strict have their schemas obeyed", () => {
    expect(written({ tools: [other] })["toolConfig"]).toEqual({
      functionCallingConfig: { mode: "VALIDATED" },
    });
  });

  test("of which only some are allowed are named where one must be called, and else not offered", () => {
    const must = written({ tools: [TOOL, other], tool_choice: allowed("required") });
    expect(must["toolConfig"]).toEqual({
      functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["listen"] },
    });
    const may = written({ tools: [TOOL, other], tool_choice: allowed("auto") });
    expect(may["tools"]).toEqual([{ functionDeclarations: [{ name: "listen" }] }]);
  });
});

test("a seed that no int32 can hold is left out and named", () => {
  const { body, dropped } = encode(chatRequest({ seed: 2 ** 40 }), "gemini-2.5-flash");
  expect(body["generationConfig"]).toBeUndefined();
  expect(dropped).toEqual(["seed"]);
});

test("settings for safety come from the provider's table unless the caller has some", () => {
  const safetySettings = [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "OFF" }];
  const own = {
    safety_settings: [{ category: "HARM_CATEGORY_HARASSMENT", threshold: "BLOCK_NONE" }],
  };
  const of = (source: JsonObject): unknown =>
    encode(chatRequest(source), "gemini-2.5-flash", { safetySettings }).body["safetySettings"];
  expect(of({})).toEqual(safetySettings);
  expect(of(own)).toEqual(own.safety_settings);
});

test("turns of the model that follow one another are one turn, since calls may not follow words", () => {
  const call = { id: "c", type: "function", function: { name: "look", arguments: "{}" } };
  const { body } = encode(
    chatRequest({
      messages: [
        { role: "user", content: "Look." },
        { role: "assistant", content: "I look." },
        { role: "assistant", content: null, tool_calls: [call] },
        { role: "tool", tool_call_id: "c", content: "a ship" },
      ],
    }),
    "gemini-2.5-pro",
  );
  expect(body["contents"]).toEqual([
    { role: "user", parts: [{ text: "Look." }] },
    { role: "model", parts: [{ text: "I look." }, { functionCall: { name: "look", args: {} } }] },
    {
      role: "user",
      parts: [{ functionResponse: { name: "look", response: { output: "a ship" } } }],
    },
  ]);
});

test("a request of nothing but instructions still has a content", () => {
  const { body } = encode(chatRequest({ messages: [{ role: "system", content: "Sing." }] }));
  expect(body).toEqual({
    systemInstruction: { parts: [{ text: "Sing." }] },
    contents: [{ role: "user", parts: [{ text: "" }] }],
  });
});
