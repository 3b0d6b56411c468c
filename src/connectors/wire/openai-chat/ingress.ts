import type { ClientHalf } from "../../hub/wire.ts";
import { encodeError } from "./ingress-error.ts";
import { encodeReply, passReply } from "./ingress-reply.ts";
import { decodeRequest } from "./ingress-request.ts";
import { encodeStream } from "./ingress-stream.ts";

/** OpenAI's Chat Completions as clients speak it to us. */
export const openaiChatClient: ClientHalf = {
  dialect: "openai-chat",
  decodeRequest,
  encodeReply,
  passReply,
  encodeStream,
  encodeError,
  statusOf: (error) => error.traits.status,
  keepAlive: ": keep-alive\n\n",
};
