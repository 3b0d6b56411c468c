import type { Capabilities } from "../../src/connectors/capabilities.ts";

/** What a target that can do everything says of itself. */
export const capable = (): Capabilities => ({
  image: ["url", "base64"],
  file: ["url", "base64"],
  audio: ["url", "base64"],
  video: ["url", "base64"],
  tools: true,
  jsonObject: true,
  jsonSchema: true,
  reasoning: true,
  prefill: true,
});
