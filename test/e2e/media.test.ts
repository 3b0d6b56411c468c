/** Pictures and documents at URLs behind the built binary, for targets that take only bytes. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";

import { isJsonObject, type Json, type JsonObject } from "../../src/connectors/hub/json.ts";
import { askMessages, createAnthropic } from "../support/anthropic-sdk.ts";
import { configText, PATIENT } from "../support/config-text.ts";
import { type FakeUpstream, type Lane, startFakeUpstream } from "../support/fake-upstream.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { jsonReply } from "../support/reply.ts";
import { ask, createClient, type SeenError } from "../support/sdk.ts";
import { waitFor } from "../support/wait-for.ts";

const PNG = Buffer.from("\x89PNG\r\n\x1a\npixels", "latin1");
const PDF = Buffer.from("%PDF-1.7 pages");

const MESSAGE = jsonText({
  id: "msg_1",
  type: "message",
  role: "assistant",
  content: [{ type: "text", text: "A pier." }],
  stop_reason: "end_turn",
  usage: { input_tokens: 9, output_tokens: 3 },
});

let upstream: FakeUpstream;
let vertex: Lane;
let web: Lane;
let files: Lane;

beforeAll(() => {
  upstream = startFakeUpstream();
  vertex = upstream.lane("vertex");
  web = upstream.lane("web");
  files = upstream.lane("files");
});

afterAll(() => upstream.stop());

beforeEach(() => {
  for (const lane of [vertex, web, files]) lane.forget();
  vertex.answer(() => jsonReply(MESSAGE));
  web.answer(() => jsonReply(MESSAGE));
  files.answer((call) => {
    const [path] = call.path.split("?");
    if (path === "/pier.png") return new Response(PNG);
    if (path === "/tide.pdf") return new Response(PDF);
    if (path === "/moved") return Response.redirect(`${files.url}/pier.png`, 302);
    if (path === "/page") return new Response("<p>", { headers: { "content-type": "text/html" } });
    return new Response("no", { status: 404 });
  });
});

/** A gateway whose operator says this of media. */
async function serving(
  media: string,
  use: (gateway: Gateway, key: string) => Promise<void>,
): Promise<void> {
  const gateway = await startGateway({
    config: configText({
      more: `${PATIENT}\n[media]\n${media}\n[providers.vertex]\nbase_url = "${vertex.url}"\nproject = "acme"\naccess_token = "ya29.token"`,
      providers: { web: { kind: "clewdr", url: web.url, backend: "web" } },
      models: {
        claude: [{ provider: "vertex", model: "publishers/anthropic/models/claude-sonnet-4-5" }],
        web: [{ provider: "web", model: "claude-sonnet-4-5" }],
        twice: [{ provider: "web", model: "claude-sonnet-4-5", retries: 1 }],
      },
    }),
  });
  try {
    await use(gateway, (await gateway.makeKey()).key);
  } finally {
    await gateway.stop();
  }
}

const OPEN = "allow_private = true\nallow_http = true\nmax_bytes = 2000";

function jsonText(value: JsonObject): string {
  return JSON.stringify(value);
}

/** A picture with so many bytes more. */
function padded(bytes: number): Buffer {
  return Buffer.concat([PNG, Buffer.alloc(bytes)]);
}

/** The blocks of the first message that a lane got last. */
function blocks(lane: Lane): readonly Json[] {
  const body: unknown = JSON.parse(lane.calls.at(-1)?.text ?? "null");
  const messages = isJsonObject(body) ? body["messages"] : undefined;
  const [message] = Array.isArray(messages) ? messages : [];
  const content: unknown = isJsonObject(message) ? message["content"] : undefined;
  return Array.isArray(content) ? content : [];
}

const picture = {
  type: "image",
  source: { type: "base64", media_type: "image/png", data: PNG.toString("base64") },
};
const document = {
  type: "document",
  source: { type: "base64", media_type: "application/pdf", data: PDF.toString("base64") },
};

const urls = (path: string): JsonObject => ({ type: "url", url: `${files.url}${path}` });

/** Asks by OpenAI's SDK about pictures; gives the error, if there was one. */
async function askAbout(
  gateway: Gateway,
  key: string,
  model: string,
  ...addresses: readonly string[]
): Promise<SeenError | undefined> {
  const { error } = await ask(createClient(`${gateway.url}/v1`, key), {
    model,
    messages: [
      {
        role: "user",
        content: addresses.map((url) => ({ type: "image_url", image_url: { url } })),
      },
    ],
  });
  return error;
}

describe("media at URLs", () => {
  test("reach Claude on Vertex AI and Clewdr's web chat as bytes, by both doors", async () => {
    await serving(OPEN, async (gateway, key) => {
      const client = createAnthropic(gateway.url, key);
      const content = [
        { type: "image", source: urls("/moved") },
        { type: "document", source: urls("/tide.pdf"), title: "Tides" },
      ];
      const { error } = await askMessages(client, {
        model: "claude",
        max_tokens: 99,
        messages: [{ role: "user", content }],
      });
      expect(error).toBeUndefined();
      expect(blocks(vertex)).toEqual([picture, { ...document, title: "Tides" }]);

      for (const [model, lane] of [
        ["claude", vertex],
        ["web", web],
      ] as const) {
        expect(await askAbout(gateway, key, model, `${files.url}/pier.png`)).toBeUndefined();
        expect(blocks(lane)).toEqual([picture]);
      }
    });
  });

  test("are fetched once, however often the provider is asked and the URL is named", async () => {
    await serving(OPEN, async (gateway, key) => {
      web.answer(() =>
        web.calls.length === 1 ? new Response("busy", { status: 503 }) : jsonReply(MESSAGE),
      );
      const pier = `${files.url}/pier.png`;
      expect(await askAbout(gateway, key, "twice", pier, pier)).toBeUndefined();
      expect(web.calls).toHaveLength(2);
      expect(files.calls).toHaveLength(1);
      expect(blocks(web)).toEqual([picture, picture]);
    });
  });

  test("wait for room in memory while those of other requests fill it", async () => {
    const begun = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    files.answer(({ path }) => {
      if (!path.startsWith("/slow")) return new Response(padded(500));
      async function* body() {
        yield padded(900);
        begun.resolve();
        await goOn.promise;
        yield Buffer.alloc(10);
      }
      return new Response(body());
    });
    await serving(`${OPEN}\nmax_held_bytes = 1024`, async (gateway, key) => {
      const slow = askAbout(gateway, key, "claude", `${files.url}/slow`);
      await begun.promise;
      const other = askAbout(gateway, key, "web", `${files.url}/quick`);
      await waitFor("the second file", () => files.calls.length === 2);
      goOn.resolve();
      expect([await slow, await other]).toEqual([undefined, undefined]);
    });
    expect([vertex.calls.length, web.calls.length]).toEqual([1, 1]);
  });

  test("that cannot be had are the caller's fault, and nobody is asked", async () => {
    await serving(OPEN, async (gateway, key) => {
      for (const [path, words] of [
        ["/missing", "answers with status 404"],
        ["/page", "is text/html, not image"],
        ["/tide.pdf", "is application/pdf, not image"],
      ] as const) {
        const error = await askAbout(gateway, key, "web", `${files.url}${path}?signature=secret`);
        expect(error).toMatchObject({ status: 400, param: "messages" });
        expect(error?.message).toContain(words);
        expect(error?.message).not.toContain("secret");
      }
      files.answer(() => new Response(Buffer.alloc(2001)));
      const error = await askAbout(gateway, key, "web", `${files.url}/large`);
      expect(error?.message).toContain("larger than 2000 bytes (media.max_bytes)");
    });
    expect([...web.calls, ...vertex.calls]).toEqual([]);
  });

  test("inside are not for callers, unless the operator says so", async () => {
    await serving("allow_http = true", async (gateway, key) => {
      const error = await askAbout(gateway, key, "web", `${files.url}/pier.png`);
      expect(error).toMatchObject({ status: 400, code: "media_not_fetched", param: "messages" });
      expect(error?.message).toContain(
        "does not lead to the public internet (media.allow_private)",
      );
      const metadata = await askAbout(gateway, key, "claude", "http://169.254.169.254/latest");
      expect(metadata?.message).toContain("media.allow_private");
    });
    await serving("allow_private = true", async (gateway, key) => {
      const error = await askAbout(gateway, key, "web", `${files.url}/pier.png`);
      expect(error?.message).toContain("is not https (media.allow_http)");
    });
    await serving("fetch_urls = false", async (gateway, key) => {
      for (const model of ["web", "claude"]) {
        const error = await askAbout(gateway, key, model, "https://example.com/pier.png");
        expect(error).toMatchObject({ status: 400, code: "unsupported_by_provider" });
      }
      const { error } = await askMessages(createAnthropic(gateway.url, key), {
        model: "claude",
        max_tokens: 9,
        messages: [{ role: "user", content: [{ type: "image", source: urls("/pier.png") }] }],
      });
      expect(error?.status).toBe(400);
    });
    expect([...files.calls, ...web.calls, ...vertex.calls]).toEqual([]);
  });
});
