import { describe, expect, test } from "bun:test";

import { createConnector } from "../../src/connectors/index.ts";
import { offline, type Sent } from "./_vertex.ts";

describe("lists of models", () => {
  test("come from Vertex AI's beta, Gemini alone, by short names", async () => {
    const sent: Sent[] = [];
    const { connector } = offline({
      google: { region: "us-central1" },
      fetch: (url) => {
        sent.push({ url, headers: new Headers(), body: {} });
        return Promise.resolve(
          Response.json({
            publisherModels: [
              { name: "publishers/google/models/gemini-2.5-pro" },
              { name: "publishers/google/models/imagen-4" },
              { nonsense: true },
            ],
          }),
        );
      },
    });
    expect(await connector.models?.(new AbortController().signal)).toEqual([
      { id: "gemini-2.5-pro", ownedBy: "google" },
    ]);
    expect(sent[0]?.url).toBe(
      "https://us-central1-aiplatform.googleapis.com/v1beta1/publishers/google/models?pageSize=200",
    );
  });

  test("come from Gemini's own API with what can be asked for answers", async () => {
    const connector = createConnector({
      name: "gemini",
      kind: "gemini",
      apiKeys: ["AIza-key"],
      headers: {},
      fetch: () =>
        Promise.resolve(
          Response.json({
            models: [
              {
                name: "models/gemini-2.5-pro",
                displayName: "Gemini 2.5 Pro",
                inputTokenLimit: 1048576,
                supportedGenerationMethods: ["generateContent", "countTokens"],
              },
              { name: "models/embedding-1", supportedGenerationMethods: ["embedContent"] },
            ],
          }),
        ),
    });
    expect(await connector.models?.(new AbortController().signal)).toEqual([
      {
        id: "gemini-2.5-pro",
        ownedBy: "google",
        displayName: "Gemini 2.5 Pro",
        contextLength: 1_048_576,
      },
    ]);
  });
});
