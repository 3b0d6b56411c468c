import type { ProviderHalf } from "../../hub/wire.ts";
import { decodeError } from "../provider-error.ts";
import { graft } from "./egress-graft.ts";
import { inline } from "./egress-inline.ts";
import { encodeRequest } from "./egress-request.ts";
import { decodeReply, decodeStream } from "./egress-stream.ts";
import type { OpenAIChatQuirks } from "./quirks.ts";

export type { OpenAIChatFeature, OpenAIChatQuirks } from "./quirks.ts";

/** OpenAI's Chat Completions as we speak it to a provider. */
export const openaiChatProvider: ProviderHalf<OpenAIChatQuirks> = {
  dialect: "openai-chat",
  encodeRequest,
  graft,
  inline,
  decodeReply,
  decodeStream,
  decodeError,
};
