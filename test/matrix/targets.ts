/** The providers, each with the model that is asked there. */
import type { ConnectorOptions } from "../../src/connectors/connector.ts";

export type MatrixTarget = {
  readonly name: string;
  readonly model: string;
  readonly options: Omit<ConnectorOptions, "name" | "headers" | "apiKeys"> & {
    readonly apiKeys?: readonly string[];
  };
};

const GOOGLE = { project: "a-project", region: "europe-west1", accessToken: "ya29.matrix" };

export const targets: readonly MatrixTarget[] = [
  {
    name: "OpenAI",
    model: "gpt-5.1",
    options: { kind: "openai-compatible", profile: "openai", apiKeys: ["sk-matrix"] },
  },
  {
    name: "OpenRouter",
    model: "anthropic/claude-sonnet-4.5",
    options: { kind: "openrouter", apiKeys: ["sk-matrix"] },
  },
  {
    name: "DeepSeek",
    model: "deepseek-chat",
    options: { kind: "openai-compatible", profile: "deepseek", apiKeys: ["sk-matrix"] },
  },
  {
    name: "Ollama",
    model: "qwen3",
    options: { kind: "openai-compatible", profile: "ollama" },
  },
  {
    name: "Anthropic",
    model: "claude-sonnet-4-5",
    options: { kind: "anthropic", apiKeys: ["sk-matrix"] },
  },
  {
    name: "Vertex, Gemini",
    model: "gemini-2.5-pro",
    options: { kind: "vertex", google: GOOGLE },
  },
  {
    name: "Vertex, Claude",
    model: "claude-sonnet-4-5@20250929",
    options: { kind: "vertex", google: GOOGLE },
  },
  {
    name: "Gemini API",
    model: "gemini-3-pro-preview",
    options: { kind: "gemini", apiKeys: ["AIza-matrix"] },
  },
  {
    name: "Clewdr, code",
    model: "claude-sonnet-4-5",
    options: { kind: "clewdr", apiKeys: ["matrix"] },
  },
  {
    name: "Clewdr, web",
    model: "claude-sonnet-4-5",
    options: { kind: "clewdr", backend: "web", apiKeys: ["matrix"] },
  },
  {
    name: "Clewdr, openai",
    model: "claude-sonnet-4-5",
    options: { kind: "clewdr", backend: "openai", apiKeys: ["matrix"] },
  },
];
