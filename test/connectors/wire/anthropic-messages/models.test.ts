import { expect, test } from "bun:test";

import {
  type ModelTraits,
  traitsOf,
} from "../../../../src/connectors/wire/anthropic-messages/models.ts";

const names: readonly (readonly [string, Partial<ModelTraits>])[] = [
  ["claude-3-haiku-20240307", { thinking: "none", defaultMaxTokens: 4096, contextTokens: 200_000 }],
  ["claude-3-5-haiku-20241022", { thinking: "none", defaultMaxTokens: 8192 }],
  ["claude-3-7-sonnet-latest", { thinking: "budget", sampling: "all" }],
  ["claude-sonnet-4@20250514", { thinking: "budget", sampling: "all", structuredOutput: false }],
  ["claude-opus-4-1-20250805", { sampling: "one", structuredOutput: true, efforts: [] }],
  ["anthropic/claude-sonnet-4.5", { thinking: "budget", structuredOutput: true, efforts: [] }],
  ["claude-sonnet-4-5-20250929-thinking", { thinking: "budget" }],
  ["claude-opus-4-5", { thinking: "budget", efforts: ["low", "medium", "high"] }],
  ["claude-opus-4-6", { thinking: "adaptive", efforts: ["low", "medium", "high", "max"] }],
  [
    "anthropic/claude-4.7-opus",
    { efforts: ["low", "medium", "high", "xhigh", "max"], sampling: "none", systemMessages: false },
  ],
  ["claude-opus-4-8", { thinkingOff: "nothing", systemMessages: true, contextTokens: 1_000_000 }],
  ["claude-opus-5", { thinkingOff: "disabled", forcedTools: true }],
  ["claude-opus-5-5", { thinkingOff: "impossible", forcedTools: false }],
  ["claude-sonnet-5-5", { thinkingOff: "between_tools", forcedTools: false }],
  ["claude-haiku-5-5", { thinkingOff: "disabled", forcedTools: true }],
  ["claude-fable-5-1", { thinkingOff: "impossible", forcedTools: false }],
  ["claude-opus-4-10", { thinking: "adaptive", efforts: traitsOf("claude-opus-5").efforts }],
  ["claude-newest", { thinking: "adaptive", forcedTools: true, contextTokens: 1_000_000 }],
  ["kimi-k3", { thinking: "budget", sampling: "all", efforts: [], structuredOutput: false }],
];

test.each(names)("%s is known by its name", (name, traits) => {
  expect(traitsOf(name)).toMatchObject(traits);
});

test("nothing is known of a context that a beta decides, or of another maker's", () => {
  expect(traitsOf("claude-sonnet-4-5").contextTokens).toBeUndefined();
  expect(traitsOf("glm-5").contextTokens).toBeUndefined();
});
