import { isJsonObject } from "../../connectors/hub/json.ts";
import type { Config } from "../../server/config/config.ts";
import { wordsOf } from "../../server/words.ts";
import { hostAndPort, localUrl } from "../_address.ts";
import type { Finding } from "./_finding.ts";

/** The address to listen on: free, or already held by a gateway. */
export async function checkPort(server: Config["server"]): Promise<Finding> {
  const check = "port";
  const address = hostAndPort(server);
  try {
    Bun.listen({ hostname: server.host, port: server.port, socket: { data() {} } }).stop(true);
    return { check, state: "ok", found: `${address} is free` };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE") return whoIsThere(server, address);
    return {
      check,
      state: "fail",
      found: `cannot listen on ${address}: ${wordsOf(error)}`,
      todo: "choose another with --host and --port",
    };
  }
}

async function whoIsThere(server: Config["server"], address: string): Promise<Finding> {
  const check = "port";
  const url = localUrl(server);
  try {
    const [alive, ready] = await Promise.all([probe(`${url}/healthz`), probe(`${url}/readyz`)]);
    if (typeof alive["version"] === "string" && typeof ready["status"] === "string") {
      const state = ready["status"] === "ready" ? "ok" : "warn";
      const found = `a gateway answers at ${url}: version ${alive["version"]}, ${ready["status"]}`;
      return state === "ok"
        ? { check, state, found }
        : { check, state, found, todo: `see ${url}/readyz` };
    }
  } catch {
    // Whatever is there does not answer like a gateway.
  }
  return {
    check,
    state: "fail",
    found: `${address} is taken by another program`,
    todo: "stop that program, or choose another port with --port or PORT",
  };
}

async function probe(url: string): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
  const body: unknown = await response.json();
  return isJsonObject(body) ? body : {};
}
