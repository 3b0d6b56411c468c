import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import type { Target } from "../../src/connectors/connector.ts";
import { ChatError } from "../../src/connectors/hub/error.ts";
import { createConnector } from "../../src/connectors/index.ts";
import { chatRequest, converse } from "../contract/calling.ts";
import { TEXT_REPLY } from "../contract/gemini-answers.ts";
import { serviceAccount, startTokenServer, type TokenServer } from "../support/google-account.ts";
import { waitFor } from "../support/wait-for.ts";
import { offline, target } from "./_vertex.ts";

async function addressOf(
  model: string,
  more: Partial<Target> = {},
  options: Parameters<typeof offline>[0] = {},
) {
  const { connector, sent } = offline(options);
  await converse(connector, chatRequest(), target(model, more));
  return sent[0]?.url;
}

describe("Vertex AI is asked at the address", () => {
  const HOST = "https://aiplatform.googleapis.com/v1/projects/acme/locations/global";

  test("of the model, however its id is written", async () => {
    const gemini = `${HOST}/publishers/google/models/gemini-2.5-pro:generateContent`;
    expect(await addressOf("gemini-2.5-pro")).toBe(gemini);
    expect(await addressOf("google/gemini-2.5-pro")).toBe(gemini);
    expect(await addressOf("publishers/google/models/gemini-2.5-pro")).toBe(gemini);
    expect(await addressOf("endpoints/12345")).toBe(`${HOST}/endpoints/12345:generateContent`);
    expect(await addressOf("projects/7/locations/europe-west4/endpoints/12345")).toBe(
      `${HOST}/endpoints/12345:generateContent`,
    );
    expect(await addressOf("claude-sonnet-4-5@20250929")).toBe(
      `${HOST}/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict`,
    );
  });

  test("of the route's region and project, else the provider's, else of the world", async () => {
    const at = (region: string): Promise<string | undefined> =>
      addressOf("gemini-2.5-pro", { region });
    expect(await at("europe-west4")).toStartWith(
      "https://europe-west4-aiplatform.googleapis.com/v1/projects/acme/locations/europe-west4/",
    );
    expect(await at("eu")).toStartWith(
      "https://aiplatform.eu.rep.googleapis.com/v1/projects/acme/locations/eu/",
    );
    expect(await at("global")).toStartWith(HOST);
    expect(await addressOf("gemini-2.5-pro", { project: "other" })).toContain("/projects/other/");
    expect(await addressOf("gemini-2.5-pro", {}, { google: { region: "us" } })).toStartWith(
      "https://aiplatform.us.rep.googleapis.com/v1/projects/acme/locations/us/",
    );
  });

  test("that the operator has given: Google's own fits itself to the region, any other one stays", async () => {
    const google = { baseUrl: "https://us-central1-aiplatform.googleapis.com/v1" };
    expect(await addressOf("gemini-2.5-pro", {}, google)).toStartWith(
      `${google.baseUrl}/projects/acme/locations/us-central1/`,
    );
    expect(await addressOf("gemini-2.5-pro", { region: "us-east5" }, google)).toStartWith(
      "https://us-east5-aiplatform.googleapis.com/v1/projects/acme/locations/us-east5/",
    );
    const proxy = { baseUrl: "http://10.0.0.1/vertex" };
    expect(await addressOf("gemini-2.5-pro", { region: "us-east5" }, proxy)).toStartWith(
      "http://10.0.0.1/vertex/projects/acme/locations/us-east5/",
    );
  });

  test("and no other: ids that would lead elsewhere are not found", async () => {
    const wild = [
      "../../x",
      "endpoints/../models",
      "a?b=c",
      "gemini-2.5-pro:predict",
      "a#b",
      "publishers/meta/models/llama",
      "",
      "endpoints/",
      "gemini 2",
    ];
    for (const model of wild) {
      const { connector, sent } = offline();
      const error: unknown = await converse(connector, chatRequest(), target(model)).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ kind: "not-found", code: "model_not_found" });
      expect(sent).toEqual([]);
    }
    for (const more of [{ project: "../x" }, { region: "a/b" }, { region: ".." }]) {
      const { connector, sent } = offline();
      const error: unknown = await converse(
        connector,
        chatRequest(),
        target("gemini-2.5-pro", more),
      ).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ChatError);
      expect(sent).toEqual([]);
    }
    expect(() => offline({ google: { project: "a/b" } })).toThrow("providers.vertex.project");
  });
});

describe("Vertex AI is opened", () => {
  test("by an API key, which knows neither projects nor tuned models nor Claude", async () => {
    const { connector, sent } = offline({ apiKeys: ["AIza-key"] });
    await converse(
      connector,
      chatRequest(),
      target("gemini-2.5-flash", { region: "us-east5", project: "other" }),
    );
    expect(sent[0]?.url).toBe(
      "https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-2.5-flash:generateContent",
    );
    expect(sent[0]?.headers.get("x-goog-api-key")).toBe("AIza-key");
    expect(sent[0]?.headers.has("authorization")).toBe(false);
    for (const model of ["endpoints/1", "claude-sonnet-4-5"]) {
      const error: unknown = await converse(connector, chatRequest(), target(model)).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ kind: "unavailable", code: "provider_misconfigured" });
    }
    expect("models" in connector).toBe(false);
  });

  test("by a token that is given, paid for by another project where that is said", async () => {
    const { connector, sent } = offline({ google: { quotaProject: "payer" } });
    await converse(connector, chatRequest(), target("gemini-2.5-flash"));
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer ya29.token");
    expect(sent[0]?.headers.get("x-goog-user-project")).toBe("payer");
  });

  test("by no token that could write headers of its own", () => {
    for (const accessToken of ["a\r\nx-evil: 1", "a b", ""]) {
      expect(() => offline({ google: { accessToken } })).toThrow("providers.vertex.access_token");
    }
    expect(() => offline({ google: { quotaProject: "a\nb" } })).toThrow(
      "providers.vertex.quota_project",
    );
  });

  test("not without a project, and what to do is said", async () => {
    const connector = createConnector({
      name: "vertex",
      kind: "vertex",
      apiKeys: [],
      headers: {},
      google: { accessToken: "ya29.token" },
    });
    const error: unknown = await converse(
      connector,
      chatRequest(),
      target("gemini-2.5-flash"),
    ).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: "unavailable" });
    expect(String(error)).toContain(
      "set VERTEX_PROJECT, project in [providers.vertex], or project in the route",
    );
  });

  describe("by a service account", () => {
    let server: TokenServer;
    let upstream: ReturnType<typeof Bun.serve>;
    let tokens: string[];
    let refuse: (token: string) => boolean;

    beforeEach(() => {
      server = startTokenServer();
      tokens = [];
      refuse = () => false;
      upstream = Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch(request) {
          const token = request.headers.get("authorization") ?? "";
          tokens.push(`${new URL(request.url).pathname.split("/")[2]} ${token}`);
          if (!refuse(token)) return Response.json(TEXT_REPLY);
          const error = { code: 401, message: `bad ${token}`, status: "UNAUTHENTICATED" };
          return Response.json({ error }, { status: 401 });
        },
      });
    });
    afterEach(async () => {
      await upstream.stop(true);
      await server.stop();
    });

    function connect() {
      return createConnector({
        name: "vertex",
        kind: "vertex",
        baseUrl: `http://127.0.0.1:${upstream.port}`,
        apiKeys: [],
        headers: {},
        google: { credentials: serviceAccount(server.url) },
      });
    }

    test("whose project is taken, and whose one token serves many requests", async () => {
      const connector = connect();
      const asked = Array.from({ length: 20 }, () =>
        converse(connector, chatRequest(), target("gemini-2.5-flash")),
      );
      await Promise.all(asked);
      expect(server.calls.length).toBe(1);
      expect(new Set(tokens)).toEqual(new Set(["acme Bearer token-1"]));
      connector.close();
    });

    test("whose token is waited for no longer than the request itself may last", async () => {
      const never = Promise.withResolvers<Response>();
      server.answer(() => never.promise);
      const connector = connect();
      const abort = new AbortController();
      const reason = new ChatError("timeout", "no complete answer within 5 ms (total timer)");
      const call = { ...target("gemini-2.5-flash"), signal: abort.signal };
      const asked = [chatRequest(), chatRequest({ stream: true })].map((request) =>
        converse(connector, request, call).catch((thrown: unknown) => thrown),
      );
      await waitFor("the question for a token", () => server.calls.length === 1);
      abort.abort(reason);
      expect(await Promise.all(asked)).toEqual([reason, reason]);
      expect(
        await converse(connector, chatRequest(), call).catch((thrown: unknown) => thrown),
      ).toBe(reason);
      never.resolve(new Response("", { status: 503 }));
      connector.close();
    });

    test("whose refused token is replaced: the error says that another try is worth it, once", async () => {
      const connector = connect();
      const ask = (): Promise<unknown> =>
        converse(connector, chatRequest(), target("gemini-2.5-flash")).catch(
          (thrown: unknown) => thrown,
        );
      refuse = (token) => token === "Bearer token-1";
      const error = await ask();
      expect(error).toMatchObject({
        kind: "unavailable",
        upstreamStatus: 401,
        retryAfterMs: 0,
        traits: { retryHere: true },
      });
      expect(String(error)).not.toContain("token-1");
      expect(await ask()).toMatchObject({ reply: { finish: "stop" } });
      expect(tokens.at(-1)).toBe("acme Bearer token-2");
      refuse = () => true;
      expect(await ask()).toMatchObject({ traits: { retryHere: false } });
      connector.close();
    });
  });
});
