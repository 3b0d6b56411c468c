import { connect } from "node:net";

import type { ChatError } from "../hub/error.ts";
import { isProxied } from "./connect.ts";
import { toNetworkError, toTimeout } from "./failure.ts";

/**
 * Finds out whether a TCP connection to the host of a URL can be made, and says nothing on it. Behind a proxy, where that would
 * prove nothing, it finds nothing wrong. Throws ChatError.
 */
export function reach(url: string, timeoutMs: number): Promise<void> {
  if (isProxied(process.env)) return Promise.resolve();
  const { protocol, hostname, port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port) || (protocol === "https:" ? 443 : 80),
    });
    const settle = (error?: ChatError): void => {
      clearTimeout(timer);
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    const timer = setTimeout(() => settle(toTimeout("connect", timeoutMs, host)), timeoutMs);
    socket.on("connect", () => settle());
    socket.on("error", (thrown) => settle(toNetworkError(thrown, host)));
  });
}
