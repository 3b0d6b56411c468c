import type { Connector, ConnectorOptions, ModelInfo, Target } from "./connector.ts";
import { geminiCapabilities, geminiLine, tableQuirks } from "./gemini-line.ts";
import { withoutRefusedSignatures } from "./gemini-repair.ts";
import { createHttpConnector } from "./http-connector.ts";
import { ChatError } from "./hub/error.ts";
import { isJsonObject, type Json, type JsonObject } from "./hub/json.ts";
import type { GeminiQuirks } from "./wire/gemini/egress.ts";

const BASE_URL = "https://generativelanguage.googleapis.com/v1beta";

/** It gives calls ids and takes them back; of media it fetches what lies in its own storage. */
const QUIRKS: GeminiQuirks = { callIds: true, mediaUrls: false };

function nameOf(target: Target): string {
  const name = target.model.replace(/^(?:models|google)\//, "");
  // The id may come from a client and becomes part of an address.
  if (/^(?:tunedModels\/)?\w[\w.-]*$/.test(name))
    return name.includes("/") ? name : `models/${name}`;
  throw new ChatError("not-found", `Gemini has no model ${JSON.stringify(target.model)}`, {
    param: "model",
    code: "model_not_found",
    tryElsewhere: true,
  });
}

/** Google's API for developers, with a key of AI Studio's: the dialect of Vertex AI at another address. */
export function createGeminiConnector(options: ConnectorOptions): Connector {
  const quirks: GeminiQuirks = { ...QUIRKS, ...tableQuirks(options.google) };
  const line = geminiLine(quirks, (target, verb) => `/${nameOf(target)}:${verb}`, toCounted);
  const connector = createHttpConnector(options, {
    baseUrl: BASE_URL,
    lineFor: () => line,
    capabilities: (target) => geminiCapabilities(quirks, target.model),
    authorize: (key) => ({ "x-goog-api-key": key }),
    models: { path: "/models?pageSize=1000", read: readModels, line },
  });
  return withoutRefusedSignatures(connector);
}

/** Instructions and tools are counted only within a whole request: https://ai.google.dev/api/tokens */
function toCounted({ contents, systemInstruction, tools }: JsonObject, model: string): JsonObject {
  const name = model.replace(/^(?:models|google)\//, "");
  return {
    generateContentRequest: { model: `models/${name}`, contents, systemInstruction, tools },
  };
}

function readModels(body: Json): readonly ModelInfo[] {
  const list = isJsonObject(body) ? body["models"] : undefined;
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: Json) => {
    if (!isJsonObject(entry) || typeof entry["name"] !== "string") return [];
    const { supportedGenerationMethods: verbs, displayName, inputTokenLimit } = entry;
    if (Array.isArray(verbs) && !verbs.includes("generateContent")) return [];
    const id = entry["name"].replace(/^models\//, "");
    return [
      {
        id,
        ownedBy: "google",
        ...(typeof displayName === "string" ? { displayName } : {}),
        ...(typeof inputTokenLimit === "number" ? { contextLength: inputTokenLimit } : {}),
      },
    ];
  });
}
