import type { ConnectorOptions } from "./connector.ts";

/** RFC 9110, 5.1 and 5.5: a token, and text without control characters, so that nobody can write a header of their own. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const API_KEY = /^[\x21-\x7e]+$/;

/** Headers that belong to the connection or to the body, which fetch sets. */
const OURS = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** The configured headers with names in lower case. Throws Error naming the fault, but no value. */
export function checkedHeaders({
  name: provider,
  headers,
}: ConnectorOptions): Readonly<Record<string, string>> {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const at = `providers.${provider}.headers: ${JSON.stringify(name)}`;
    if (!HEADER_NAME.test(name)) throw new Error(`${at} is no valid header name`);
    if (OURS.has(name.toLowerCase())) throw new Error(`${at} is set by the gateway itself`);
    if (!HEADER_VALUE.test(value)) {
      throw new Error(
        `${at} has a value with a line break or another character no header may hold`,
      );
    }
    checked[name.toLowerCase()] = value;
  }
  return checked;
}

/** The keys as given. Throws Error naming the one at fault by its place. */
export function checkedApiKeys({ name: provider, apiKeys }: ConnectorOptions): readonly string[] {
  for (const [index, key] of apiKeys.entries()) {
    if (API_KEY.test(key)) continue;
    const fault = key === "" ? "is empty" : "holds a space, a line break or another odd character";
    throw new Error(`providers.${provider}: API key ${index + 1} ${fault}`);
  }
  return apiKeys;
}

/** How to get from a base URL to what lies behind it, query kept. Throws Error if it is no plain HTTP URL. */
export function checkedBaseUrl(provider: string, baseUrl: string): (path: string) => string {
  const at = `providers.${provider}.base_url`;
  if (!URL.canParse(baseUrl)) throw new Error(`${at} is no URL`);
  const url = new URL(baseUrl);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new Error(`${at} must begin with https:// or http://`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new Error(`${at} holds a login; put it into headers, where it cannot get into messages`);
  }
  const root = url.origin + url.pathname.replace(/\/+$/, "");
  return (path) => root + path + url.search;
}

/** Those of a client's headers that may go to the provider, if there are any. A Headers object has made sure that they are valid. */
export function forwarded(
  names: readonly string[],
  client: Headers,
): Readonly<Record<string, string>> | undefined {
  let chosen: Record<string, string> | undefined;
  for (const name of names) {
    const value = client.get(name);
    if (value === null) continue;
    chosen ??= {};
    chosen[name] = value;
  }
  return chosen;
}
