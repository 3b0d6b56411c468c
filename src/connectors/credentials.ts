import { createApiKeys } from "./api-keys.ts";
import type { ChatError } from "./hub/error.ts";

export type HeaderValues = Readonly<Record<string, string>>;

/** What opens the provider's door for one request. The same object for the same key or token. */
export type Grant = {
  /** Names in lower case. */
  readonly headers: HeaderValues;
  /** Values that must not get into messages, should the provider repeat them. */
  readonly secrets: readonly string[];
  /** Told of an error that a request with this grant met. True if it was the grant's fault and another can be had at once. */
  judge(error: ChatError): boolean;
};

/** A provider's keys or tokens. */
export type Credentials = {
  /** A promise only where a token must be fetched first. Throws ChatError where none can be had. */
  take(): Grant | Promise<Grant>;
};

const NOBODY: Grant = { headers: {}, secrets: [], judge: () => false };

/** API keys, used in turn; `authorize` says how one is shown. Hosts that need none have an empty list. */
export function createKeyCredentials(
  apiKeys: readonly string[],
  authorize: (apiKey: string) => HeaderValues,
): Credentials {
  const keys = createApiKeys(apiKeys);
  const grants = new Map<string, Grant>(
    apiKeys.map((key) => [
      key,
      { headers: authorize(key), secrets: [key], judge: (error) => keys.judge(key, error) },
    ]),
  );
  return {
    take() {
      const key = keys.take();
      return (key === undefined ? undefined : grants.get(key)) ?? NOBODY;
    },
  };
}
