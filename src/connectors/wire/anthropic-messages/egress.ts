import type { ProviderHalf } from "../../hub/wire.ts";
import { decodeError } from "../provider-error.ts";
import { graft } from "./egress-graft.ts";
import { inline } from "./egress-inline.ts";
import { encodeRequest } from "./egress-request.ts";
import { decodeReply, decodeStream } from "./egress-stream.ts";
import type { AnthropicQuirks } from "./quirks.ts";

export type { AnthropicQuirks } from "./quirks.ts";

/** Anthropic's Messages as we speak it to a provider. */
export const anthropicMessagesProvider: ProviderHalf<AnthropicQuirks> = {
  dialect: "anthropic-messages",
  encodeRequest,
  graft,
  inline,
  decodeReply,
  decodeStream,
  decodeError,
};
