import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import type { ConnectorOptions, GoogleOptions, Target } from "../../src/connectors/connector.ts";
import { ChatError } from "../../src/connectors/hub/error.ts";
import type { JsonObject } from "../../src/connectors/hub/json.ts";
import { createConnector } from "../../src/connectors/index.ts";
import { anthropicMessagesClient } from "../../src/connectors/wire/anthropic-messages/ingress.ts";
import { chatCall, chatRequest, converse } from "../contract/calling.ts";
import { TEXT_REPLY } from "../contract/gemini-answers.ts";
import { geminiContract } from "../contract/gemini-connector.ts";
import { serviceAccount, startTokenServer, type TokenServer } from "../support/google-account.ts";

const PATHS = "/v1/projects/acme/locations/global/publishers/google/models/native";

geminiContract(
  "the Vertex connector with a token",
  {
    kind: "vertex",
    options: { apiKeys: [], google: { accessToken: "ya29.token", project: "acme" } },
    create: createConnector,
  },
  {
    whole: `${PATHS}:generateContent`,
    streamed: `${PATHS}:streamGenerateContent?alt=sse`,
    counted: `${PATHS}:countTokens`,
  },
);

geminiContract(
  "the Vertex connector in express mode",
  { kind: "vertex", create: createConnector },
  {
    whole: "/v1/publishers/google/models/native:generateContent",
    streamed: "/v1/publishers/google/models/native:streamGenerateContent?alt=sse",
    counted: "/v1/publishers/google/models/native:countTokens",
  },
);

geminiContract(
  "the connector to Gemini's own API",
  { kind: "gemini", create: createConnector },
  {
    whole: "/v1/models/native:generateContent",
    streamed: "/v1/models/native:streamGenerateContent?alt=sse",
    counted: "/v1/models/native:countTokens",
  },
);

const CLAUDE_REPLY: JsonObject = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-sonnet-4-5-20250929",
  content: [{ type: "text", text: "Hello" }],
  stop_reason: "end_turn",
  usage: { input_tokens: 3, output_tokens: 1 },
};

function textOf(body: unknown): string {
  return typeof body === "string" ? body : "";
}

type Sent = { readonly url: string; readonly headers: Headers; readonly body: JsonObject };

/** A connector whose requests go nowhere; what it would have sent is kept. */
function offline(more: Partial<ConnectorOptions> & { readonly google?: GoogleOptions } = {}) {
  const sent: Sent[] = [];
  const connector = createConnector({
    name: "vertex",
    kind: "vertex",
    apiKeys: [],
    headers: {},
    fetch(url, init) {
      const body: JsonObject = typeof init.body === "string" ? JSON.parse(init.body) : {};
      sent.push({ url, headers: new Headers(init.headers), body });
      return Promise.resolve(Response.json(url.includes("anthropic") ? CLAUDE_REPLY : TEXT_REPLY));
    },
    ...more,
    google: { accessToken: "ya29.token", project: "acme", ...more.google },
  });
  return { connector, sent };
}

function target(model: string, more: Partial<Target> = {}) {
  return chatCall({ target: { provider: "vertex", model, ...more } });
}

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

describe("Claude on Vertex AI", () => {
  const BODY =
    '{"model":"logical","max_tokens":9,"messages":[{"role":"user","content":"Hi \\u00e9"}],"x_new":[1.0]}';
  const request = anthropicMessagesClient.decodeRequest(BODY);
  const CLAUDE = "publishers/anthropic/models/claude-sonnet-4-5@20250929";

  test("gets an Anthropic client's own words, with the version in place of the model", async () => {
    const sent: string[] = [];
    const connector = createConnector({
      name: "vertex",
      kind: "vertex",
      apiKeys: [],
      headers: {},
      google: { accessToken: "t", project: "acme" },
      fetch(_, init) {
        sent.push(textOf(init.body), new Headers(init.headers).get("anthropic-beta") ?? "");
        return Promise.resolve(Response.json(CLAUDE_REPLY));
      },
    });
    const headers = new Headers({ "anthropic-beta": "a-beta", "anthropic-version": "2023-06-01" });
    const { messages } = await converse(connector, request, { ...target(CLAUDE), headers });
    expect(sent[0]).toContain('"content":"Hi \\u00e9"}],"x_new":[1.0]');
    const { model, ...rest }: JsonObject = JSON.parse(sent[0] ?? "{}");
    expect(model).toBeUndefined();
    expect(rest).toMatchObject({ anthropic_version: "vertex-2023-10-16", max_tokens: 9 });
    expect(sent[1]).toBe("a-beta");
    expect(messages[0]?.raw).toEqual({
      dialect: "anthropic-messages",
      data: JSON.stringify(CLAUDE_REPLY),
    });
  });

  test("is asked in the words of the model's generation", async () => {
    const { connector, sent } = offline();
    const newest = anthropicMessagesClient.decodeRequest(
      '{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"}],"output_config":{"effort":"max"}}',
    );
    const { dropped, ...call } = target(CLAUDE);
    await converse(connector, newest, call);
    expect(sent[0]?.body).not.toContainKey("output_config");
    expect(dropped).toEqual(["output_config.effort"]);
  });

  test("gets an OpenAI client's words translated, also without the model", async () => {
    const { connector, sent } = offline();
    const { reply } = await converse(connector, chatRequest(), target(CLAUDE));
    expect(sent[0]?.body).toMatchObject({
      anthropic_version: "vertex-2023-10-16",
      messages: [{ role: "user" }],
    });
    expect(sent[0]?.body["model"]).toBeUndefined();
    expect(reply.parts).toEqual([{ type: "text", text: "Hello" }]);
  });

  test("streams by another verb, and counts where counting is done, by the model's bare name", async () => {
    const sent: Sent[] = [];
    const { connector } = offline({
      fetch(url, init) {
        sent.push({ url, headers: new Headers(), body: JSON.parse(textOf(init.body)) });
        return Promise.resolve(
          url.includes("count-tokens")
            ? Response.json({ input_tokens: 12 })
            : Response.json(CLAUDE_REPLY),
        );
      },
    });
    expect(await connector.countTokens?.(request, target(CLAUDE))).toBe(12);
    expect(sent[0]?.url).toEndWith("/publishers/anthropic/models/count-tokens:rawPredict");
    expect(sent[0]?.body).toMatchObject({
      model: "claude-sonnet-4-5@20250929",
      anthropic_version: "vertex-2023-10-16",
    });
    expect(sent[0]?.body["max_tokens"]).toBeUndefined();
    const streamed = { ...request, stream: true };
    await converse(connector, streamed, target(CLAUDE));
    expect(sent[1]?.url).toEndWith(":streamRawPredict");
  });

  test("takes no addresses of media, as its capabilities say", () => {
    const { connector } = offline();
    const { image, file, reasoningFamily } = connector.capabilities({
      provider: "vertex",
      model: CLAUDE,
    });
    expect({ image, file, reasoningFamily }).toEqual({
      image: ["base64"],
      file: ["base64"],
      reasoningFamily: "anthropic",
    });
    expect(connector.capabilities({ provider: "vertex", model: "gemini-3-pro" })).toMatchObject({
      image: ["url", "base64"],
      video: ["url", "base64"],
      reasoning: true,
      reasoningFamily: "gemini",
    });
  });
});

describe("signatures of another maker, model or project", () => {
  const request = chatRequest({
    messages: [
      { role: "user", content: "Look." },
      {
        role: "assistant",
        content: null,
        tool_calls: [
          {
            id: "c",
            type: "function",
            function: { name: "look", arguments: "{}" },
            extra_content: { google: { thought_signature: "c2ln" } },
          },
        ],
      },
      { role: "tool", tool_call_id: "c", content: "a ship" },
    ],
  });
  const refused = {
    error: { code: 400, message: "Thought signature is not valid.", status: "INVALID_ARGUMENT" },
  };

  function strict(refuses: (body: string) => boolean) {
    const sent: string[] = [];
    const { connector } = offline({
      fetch(_, init) {
        const body = textOf(init.body);
        sent.push(body);
        return Promise.resolve(
          refuses(body) ? Response.json(refused, { status: 400 }) : Response.json(TEXT_REPLY),
        );
      },
    });
    return { connector, sent };
  }

  test("that are refused are left away, and the question is asked once more", async () => {
    for (const stream of [false, true]) {
      const { connector, sent } = strict((body) => body.includes("c2ln"));
      const { reply } = await converse(connector, { ...request, stream }, target("gemini-3-pro"));
      expect(reply.parts).toEqual([{ type: "text", text: "Hello there" }]);
      expect(sent.map((body) => /"thoughtSignature":"(\w+)"/.exec(body)?.[1])).toEqual([
        "c2ln",
        "skip_thought_signature_validator",
      ]);
    }
  });

  test("that are refused even so are an error, as are those that the caller never sent", async () => {
    const { connector, sent } = strict(() => true);
    for (const [asked, times] of [
      [request, 2],
      [chatRequest(), 1],
    ] as const) {
      sent.length = 0;
      const error: unknown = await converse(connector, asked, target("gemini-3-pro")).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ kind: "invalid-request", code: "thought_signature_refused" });
      expect(sent.length).toBe(times);
    }
  });
});

describe("lists of models", () => {
  test("come from Vertex AI's beta, Gemini alone, by short names", async () => {
    const { connector, sent } = offline({
      google: { region: "us-central1" },
      fetch: (url) => {
        sent.push({ url, headers: new Headers(), body: {} });
        return Promise.resolve(
          Response.json({
            publisherModels: [
              { name: "publishers/google/models/gemini-2.5-pro" },
              { name: "publishers/google/models/imagen-4" },
              { nonsense: true },
            ],
          }),
        );
      },
    });
    expect(await connector.models?.(new AbortController().signal)).toEqual([
      { id: "gemini-2.5-pro", ownedBy: "google" },
    ]);
    expect(sent[0]?.url).toBe(
      "https://us-central1-aiplatform.googleapis.com/v1beta1/publishers/google/models?pageSize=200",
    );
  });

  test("come from Gemini's own API with what can be asked for answers", async () => {
    const connector = createConnector({
      name: "gemini",
      kind: "gemini",
      apiKeys: ["AIza-key"],
      headers: {},
      fetch: () =>
        Promise.resolve(
          Response.json({
            models: [
              {
                name: "models/gemini-2.5-pro",
                displayName: "Gemini 2.5 Pro",
                inputTokenLimit: 1048576,
                supportedGenerationMethods: ["generateContent", "countTokens"],
              },
              { name: "models/embedding-1", supportedGenerationMethods: ["embedContent"] },
            ],
          }),
        ),
    });
    expect(await connector.models?.(new AbortController().signal)).toEqual([
      {
        id: "gemini-2.5-pro",
        ownedBy: "google",
        displayName: "Gemini 2.5 Pro",
        contextLength: 1_048_576,
      },
    ]);
  });
});
