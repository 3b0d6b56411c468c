/** A Google service account of our own, and the server that gives it tokens. */
import { createVerify, generateKeyPairSync } from "node:crypto";

import { type JsonObject } from "../../src/connectors/hub/json.ts";
import { parseObject } from "./json.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

const PRIVATE_KEY = privateKey.export({ type: "pkcs8", format: "pem" });

/** The content of a service account's file. */
export function serviceAccount(tokenUri: string, more: JsonObject = {}): string {
  return JSON.stringify({
    type: "service_account",
    project_id: "acme",
    private_key_id: "key-1",
    private_key: PRIVATE_KEY,
    client_email: "xjp@acme.iam.gserviceaccount.com",
    token_uri: tokenUri,
    ...more,
  });
}

const read = (part: string): JsonObject => parseObject(Buffer.from(part, "base64url").toString());

/** Head and claims of a statement that this account has signed. Throws for a signature that is not its. */
export function verified(jwt: string): { readonly head: JsonObject; readonly claims: JsonObject } {
  const [head = "", claims = "", signature = ""] = jwt.split(".");
  const verify = createVerify("RSA-SHA256").update(`${head}.${claims}`);
  if (!verify.verify(publicKey, signature, "base64url")) throw new Error("not signed by this key");
  return { head: read(head), claims: read(claims) };
}

export type TokenCall = { readonly path: string; readonly headers: Headers; readonly text: string };

export type TokenServer = {
  readonly host: string;
  /** Its token endpoint. */
  readonly url: string;
  readonly calls: readonly TokenCall[];
  /** What it says from now on; without it, `token-1`, `token-2`, … for an hour each. */
  answer(answer: (call: TokenCall) => Response | Promise<Response>): void;
  stop(): Promise<void>;
};

/** Starts one on a free loopback port, which is a metadata server too. */
export function startTokenServer(): TokenServer {
  const calls: TokenCall[] = [];
  let given = 0;
  let answer = (call: TokenCall): Response | Promise<Response> => {
    if (call.path.endsWith("/project-id")) return new Response("machine-project");
    given += 1;
    return Response.json({ access_token: `token-${given}`, expires_in: 3600 });
  };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const path = new URL(request.url).pathname;
      const call = { path, headers: new Headers(request.headers), text: await request.text() };
      calls.push(call);
      return answer(call);
    },
  });
  const host = `127.0.0.1:${server.port}`;
  return {
    host,
    url: `http://${host}/token`,
    calls,
    answer(next) {
      answer = next;
    },
    stop: () => server.stop(true),
  };
}
