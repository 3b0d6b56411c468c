import type { ProviderHalf } from "../../hub/wire.ts";
import { decodeError } from "./egress-error.ts";
import { encodeRequest } from "./egress-request.ts";
import { decodeChunks, decodeReply, decodeStream } from "./egress-stream.ts";
import type { GeminiQuirks } from "./quirks.ts";

export type { GeminiQuirks } from "./quirks.ts";

/** Gemini's generateContent as we speak it to Google, on Vertex AI and on its developers' API alike. */
export const geminiProvider: ProviderHalf<GeminiQuirks> = {
  dialect: "gemini",
  encodeRequest,
  decodeReply,
  decodeChunks,
  decodeStream,
  decodeError,
};
