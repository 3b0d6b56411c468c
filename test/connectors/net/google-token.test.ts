import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import type { ChatError } from "../../../src/connectors/hub/error.ts";
import {
  type GoogleCredentials,
  parseCredentials,
} from "../../../src/connectors/net/google-credentials.ts";
import { createGoogleTokens, type GoogleTokens } from "../../../src/connectors/net/google-token.ts";
import {
  serviceAccount,
  startTokenServer,
  type TokenServer,
  verified,
} from "../../support/google-account.ts";
import { errorOf } from "../../support/rejection.ts";
import { waitFor } from "../../support/wait-for.ts";

const MINUTE = 60_000;
const START = Date.UTC(2026, 4, 4, 8);

let server: TokenServer;
let time: number;
let opened: GoogleTokens[];

beforeEach(() => {
  server = startTokenServer();
  time = START;
  opened = [];
});
afterEach(async () => {
  for (const tokens of opened) tokens.close();
  await server.stop();
});

function tokensBy(credentials: GoogleCredentials): GoogleTokens {
  const tokens = createGoogleTokens({
    credentials: () => Promise.resolve(credentials),
    now: () => time,
  });
  opened.push(tokens);
  return tokens;
}

function byAccount(): GoogleTokens {
  return tokensBy(parseCredentials(serviceAccount(server.url), "file"));
}

function failureOf(tokens: GoogleTokens): Promise<ChatError> {
  return errorOf(Promise.resolve().then(() => tokens.take()));
}

describe("a service account", () => {
  test("asks with a statement that it has signed for this endpoint and an hour", async () => {
    const tokens = byAccount();
    expect(tokens.project).toBeUndefined();
    expect(await tokens.take()).toEqual({ value: "token-1" });
    expect(tokens.project).toBe("acme");
    const form = new URLSearchParams(server.calls[0]?.text);
    expect(form.get("grant_type")).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
    const { head, claims } = verified(form.get("assertion") ?? "");
    expect(head).toEqual({ alg: "RS256", typ: "JWT", kid: "key-1" });
    expect(claims).toEqual({
      iss: "xjp@acme.iam.gserviceaccount.com",
      scope: "https://www.googleapis.com/auth/cloud-platform",
      aud: server.url,
      iat: START / 1000,
      exp: START / 1000 + 3600,
    });
  });

  test("is told what is wrong with it, and nothing of its key", async () => {
    server.answer(() =>
      Response.json(
        { error: "invalid_grant", error_description: "Invalid JWT Signature." },
        { status: 400 },
      ),
    );
    const error = await failureOf(byAccount());
    expect(error.message).toBe(
      `${server.host} gave no access token (400): invalid_grant (Invalid JWT Signature.)`,
    );
    expect(error).toMatchObject({ kind: "unavailable", code: "provider_authentication_failed" });
    expect(error.traits).toMatchObject({ status: 502, retryHere: false, tryElsewhere: true });

    const broken = serviceAccount(server.url, { private_key: "-----BEGIN PRIVATE KEY-----\nAAAA" });
    const worse = await failureOf(tokensBy(parseCredentials(broken, "file")));
    expect(worse.kind).toBe("unavailable");
    expect(worse.message).not.toContain("AAAA");
  });
});

describe("a token", () => {
  test("is fetched once, however many wait for it", async () => {
    const gate = Promise.withResolvers<void>();
    server.answer(async () => {
      await gate.promise;
      return Response.json({ access_token: "one", expires_in: 3600 });
    });
    const tokens = byAccount();
    const waiting = Array.from({ length: 50 }, async () => tokens.take());
    gate.resolve();
    const values = await Promise.all(waiting);
    expect(new Set(values).size).toBe(1);
    expect(server.calls.length).toBe(1);
    expect(tokens.take()).toBe(values[0] ?? { value: "" });
  });

  test("is replaced five minutes before its end, while the old one is still given out", async () => {
    const tokens = byAccount();
    const first = await tokens.take();
    time += 54 * MINUTE;
    expect(tokens.take()).toBe(first);
    expect(server.calls.length).toBe(1);
    time += 1 * MINUTE;
    expect([tokens.take(), tokens.take()]).toEqual([first, first]);
    await waitFor("the second token", async () => (await tokens.take()).value === "token-2");
    expect(server.calls.length).toBe(2);
  });

  test("that has ended is not given out: whoever comes waits for the next one", async () => {
    const tokens = byAccount();
    await tokens.take();
    time += 60 * MINUTE;
    const next = tokens.take();
    expect(next).toBeInstanceOf(Promise);
    expect(await next).toEqual({ value: "token-2" });
  });

  test("serves on when its early replacement fails, which is tried again after a pause", async () => {
    const tokens = byAccount();
    const first = await tokens.take();
    server.answer(() => new Response("", { status: 503 }));
    time += 56 * MINUTE;
    expect(tokens.take()).toBe(first);
    await waitFor("the failure", () => Promise.resolve(server.calls.length === 2));
    await waitFor("its end", () => {
      expect(tokens.take()).toBe(first);
      return Promise.resolve(server.calls.length === 2);
    });
    server.answer(() => Response.json({ access_token: "fresh", expires_in: 3600 }));
    time += 6_000;
    await waitFor("the next attempt", async () => (await tokens.take()).value === "fresh");
  });

  test("that the provider refuses is replaced once, and not again and again", async () => {
    const tokens = byAccount();
    const first = await tokens.take();
    expect(tokens.refuse(first)).toBe(true);
    const second = await tokens.take();
    expect(second.value).toBe("token-2");
    // Somebody who still held the first one has another at once.
    expect(tokens.refuse(first)).toBe(true);
    expect(await tokens.take()).toBe(second);
    expect(tokens.refuse(second)).toBe(false);
    time += 2 * MINUTE;
    const third = await tokens.take();
    expect(tokens.refuse(third)).toBe(true);
  });

  test("that could not be had because the server failed is worth another try", async () => {
    server.answer(() => new Response("", { status: 503 }));
    const tokens = byAccount();
    expect((await failureOf(tokens)).traits.retryHere).toBe(true);
    server.answer(() => Response.json({ access_token: "late", expires_in: 60 }));
    expect(await tokens.take()).toEqual({ value: "late" });
  });

  test("that no header could carry is none", async () => {
    for (const body of [{}, { access_token: "a\r\nx-evil: 1" }, { access_token: 7 }]) {
      server.answer(() => Response.json(body));
      expect((await failureOf(byAccount())).message).toContain("without an access token");
    }
  });
});

test("a user's credentials are exchanged for tokens, and name the project that pays", async () => {
  const file = JSON.stringify({
    type: "authorized_user",
    client_id: "id",
    client_secret: "secret",
    refresh_token: "refresh",
    quota_project_id: "payer",
    token_uri: server.url,
  });
  const tokens = tokensBy(parseCredentials(file, "file"));
  await tokens.take();
  expect(Object.fromEntries(new URLSearchParams(server.calls[0]?.text))).toEqual({
    grant_type: "refresh_token",
    client_id: "id",
    client_secret: "secret",
    refresh_token: "refresh",
  });
  expect(tokens.quotaProject).toBe("payer");
});

describe("the metadata server", () => {
  test("is asked as it wants to be, also for the project", async () => {
    const tokens = tokensBy({ kind: "metadata", host: server.host });
    expect(await tokens.take()).toEqual({ value: "token-1" });
    expect(tokens.project).toBe("machine-project");
    expect(server.calls.map(({ path }) => path)).toEqual([
      "/computeMetadata/v1/instance/service-accounts/default/token",
      "/computeMetadata/v1/project/project-id",
    ]);
    expect(server.calls.every(({ headers }) => headers.get("metadata-flavor") === "Google")).toBe(
      true,
    );
  });

  test("that is not there means that nothing is configured, and what to do is said", async () => {
    await server.stop();
    const error = await failureOf(tokensBy({ kind: "metadata", host: server.host }));
    expect(error.message).toContain("no Google credentials are configured");
    expect(error.message).toContain("GOOGLE_APPLICATION_CREDENTIALS");
    expect(error.traits.retryHere).toBe(false);
  });
});
