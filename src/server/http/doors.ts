/** The dialect behind each path. A new door is a new row here and a route in `app.ts`. */
import type { ClientHalf } from "../../connectors/hub/wire.ts";
import { anthropicMessagesClient } from "../../connectors/wire/anthropic-messages/ingress.ts";
import { openaiChatClient } from "../../connectors/wire/openai-chat/ingress.ts";

const doors: ReadonlyMap<string, ClientHalf> = new Map([
  ["/v1/chat/completions", openaiChatClient],
  ["/v1/messages", anthropicMessagesClient],
]);

/** Whether a client speaks Anthropic's dialect also where a path belongs to nobody: its SDKs always name a version. */
function isAnthropic(headers: Headers): boolean {
  return headers.has("anthropic-version");
}

/** The dialect in which a path's errors are told, also where no route answers: that of the door which it begins like. */
export function dialectOf(path: string, headers: Headers): ClientHalf {
  const known = doors.get(path);
  if (known !== undefined) return known;
  for (const [door, client] of doors) if (path.startsWith(`${door}/`)) return client;
  return isAnthropic(headers) ? anthropicMessagesClient : openaiChatClient;
}
