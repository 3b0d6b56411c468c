/**
 * Signatures are good only where they were made: for one project, model and host. A conversation that has moved between routes
 * of Gemini's brings some that its new one refuses, and it would refuse them on every later turn too. It is asked again without
 * them, which it allows: a refused request costs nothing.
 */
import type { Connector } from "./connector.ts";
import { ChatError } from "./hub/error.ts";
import type { ChatRequest, Message } from "./hub/request.ts";
import { SIGNATURE_REFUSED } from "./wire/gemini/signature.ts";

function withoutSignatures(message: Message): Message {
  if (message.role !== "assistant") return message;
  return {
    ...message,
    parts: message.parts
      .filter((part) => part.type !== "reasoning")
      .map((part) => {
        if (part.type !== "tool-call") return part;
        const { signature: _, ...call } = part;
        return call;
      }),
  };
}

/** The request once more, if this error is about its signatures and it has any. */
function repaired(error: unknown, request: ChatRequest): ChatRequest | undefined {
  if (!(error instanceof ChatError) || error.code !== SIGNATURE_REFUSED) return undefined;
  const isSigned = request.messages.some(
    ({ role, parts }) =>
      role === "assistant" &&
      parts.some(
        (part) =>
          part.type === "reasoning" || (part.type === "tool-call" && part.signature !== undefined),
      ),
  );
  return isSigned ? { ...request, messages: request.messages.map(withoutSignatures) } : undefined;
}

/** A connector to Gemini that asks once more, without signatures, where these are refused. */
export function withoutRefusedSignatures(connector: Connector): Connector {
  return {
    ...connector,
    async *chat(request, call) {
      try {
        yield* connector.chat(request, call);
      } catch (error) {
        // Such an error comes before everything else, so that nothing of an answer is repeated.
        const again = repaired(error, request);
        if (again === undefined) throw error;
        yield* connector.chat(again, call);
      }
    },
    async complete(request, call) {
      try {
        return await connector.complete(request, call);
      } catch (error) {
        const again = repaired(error, request);
        if (again === undefined) throw error;
        return connector.complete(again, call);
      }
    },
  };
}
