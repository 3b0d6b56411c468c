import type { ClientHalf } from "../../hub/wire.ts";
import { encodeError, statusOf } from "./ingress-error.ts";
import { encodeReply, passReply } from "./ingress-reply.ts";
import { decodeRequest } from "./ingress-request.ts";
import { encodeStream, PING } from "./ingress-stream.ts";

/** Anthropic's Messages as clients speak it to us. */
export const anthropicMessagesClient: ClientHalf = {
  dialect: "anthropic-messages",
  decodeRequest,
  encodeReply,
  passReply,
  encodeStream,
  encodeError,
  statusOf,
  keepAlive: PING,
};
