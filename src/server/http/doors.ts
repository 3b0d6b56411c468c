/** The dialect behind each path. A new door is a new row here and a route in `app.ts`. */
import type { ClientHalf } from "../../connectors/hub/wire.ts";
import { anthropicMessagesClient } from "../../connectors/wire/anthropic-messages/ingress.ts";
import { openaiChatClient } from "../../connectors/wire/openai-chat/ingress.ts";

const doors: ReadonlyMap<string, ClientHalf> = new Map([
  ["/v1/chat/completions", openaiChatClient],
  ["/v1/messages", anthropicMessagesClient],
  ["/v1/messages/count_tokens", anthropicMessagesClient],
]);

/** Whether a client speaks Anthropic's dialect also where a path belongs to nobody: its SDKs always name a version. */
export function isAnthropic(headers: Headers): boolean {
  return headers.has("anthropic-version");
}

/** The dialect in which a path's errors are told, also where no route answers. */
export function dialectOf(path: string, headers: Headers): ClientHalf {
  return doors.get(path) ?? (isAnthropic(headers) ? anthropicMessagesClient : openaiChatClient);
}
