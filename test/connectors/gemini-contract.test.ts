import { createConnector } from "../../src/connectors/index.ts";
import { geminiContract } from "../contract/gemini-connector.ts";

const PATHS = "/v1/projects/acme/locations/global/publishers/google/models/native";

geminiContract(
  "the Vertex connector with a token",
  {
    kind: "vertex",
    options: { apiKeys: [], google: { accessToken: "ya29.token", project: "acme" } },
    create: createConnector,
  },
  {
    whole: `${PATHS}:generateContent`,
    streamed: `${PATHS}:streamGenerateContent?alt=sse`,
    counted: `${PATHS}:countTokens`,
  },
);

geminiContract(
  "the Vertex connector in express mode",
  { kind: "vertex", create: createConnector },
  {
    whole: "/v1/publishers/google/models/native:generateContent",
    streamed: "/v1/publishers/google/models/native:streamGenerateContent?alt=sse",
    counted: "/v1/publishers/google/models/native:countTokens",
  },
);

geminiContract(
  "the connector to Gemini's own API",
  { kind: "gemini", create: createConnector },
  {
    whole: "/v1/models/native:generateContent",
    streamed: "/v1/models/native:streamGenerateContent?alt=sse",
    counted: "/v1/models/native:countTokens",
  },
);
