/** Media by URL at targets that take bytes: fetched once a request, translated or verbatim. */
import { expect, test } from "bun:test";

import type { ConnectorOptions, Fetch } from "../../src/connectors/connector.ts";
import { ChatError } from "../../src/connectors/hub/error.ts";
import type { JsonObject } from "../../src/connectors/hub/json.ts";
import type { ChatRequest } from "../../src/connectors/hub/request.ts";
import { createConnector } from "../../src/connectors/index.ts";
import { createDownloader } from "../../src/connectors/net/download.ts";
import type { Media } from "../../src/connectors/net/media-body.ts";
import { createMediaRoom } from "../../src/connectors/net/media-room.ts";
import { openaiChatClient } from "../../src/connectors/wire/openai-chat/ingress.ts";
import { anthropicMessagesClient } from "../../src/connectors/wire/anthropic-messages/ingress.ts";
import { chatCall, chatRequest, failure, translated } from "../contract/calling.ts";

const PDF: Media = { data: Buffer.from("%PDF-1.7"), mimeType: "application/pdf" };
const PNG: Media = { data: Buffer.from("png"), mimeType: "image/png" };
const WAV: Media = { data: Buffer.from("wav"), mimeType: "audio/wav" };
const SPEECH = "https://files.example/speech.wav";
const CHART = "https://files.example/chart.pdf?signature=secret";
const PHOTO = "https://files.example/photo";

function rig(options: Partial<ConnectorOptions>, media: Readonly<Record<string, Media>> = {}) {
  const sent: unknown[] = [];
  const downloads: string[] = [];
  const fetch: Fetch = (_url, init) => {
    sent.push(typeof init.body === "string" ? JSON.parse(init.body) : undefined);
    return Promise.resolve(Response.json({}, { status: 500 }));
  };
  const connector = createConnector({
    name: "p",
    kind: "openai-compatible",
    baseUrl: "http://provider.example/v1",
    apiKeys: [],
    headers: {},
    fetch,
    download(url) {
      downloads.push(url);
      const found = media[url];
      return found
        ? Promise.resolve(found)
        : Promise.reject(new ChatError("invalid-request", "nothing there", { param: "messages" }));
    },
    ...options,
  });
  return { connector, sent, downloads };
}

const fileRequest = (): ChatRequest =>
  chatRequest({
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "What is deep?" },
          { type: "file", file: { file_data: CHART, filename: "chart.pdf" } },
          { type: "image_url", image_url: { url: PHOTO } },
        ],
      },
    ],
  });

test("a verbatim body gets the data where the URL stood, and keeps what the target can fetch", async () => {
  const { connector, sent, downloads } = rig({}, { [CHART]: PDF });
  await failure(connector, fileRequest());
  expect(downloads).toEqual([CHART]);
  expect(sent[0]).toEqual({
    model: "native",
    messages: [
      {
        role: "user",
        content: [
          { type: "text", text: "What is deep?" },
          {
            type: "file",
            file: { file_data: "data:application/pdf;base64,JVBERi0xLjc=", filename: "chart.pdf" },
          },
          { type: "image_url", image_url: { url: PHOTO } },
        ],
      },
    ],
  });
});

test("only what stands for media is changed, and no byte beside it", async () => {
  const texts: string[] = [];
  const { connector } = rig(
    {
      fetch: (_url, init) => {
        texts.push(typeof init.body === "string" ? init.body : "");
        return Promise.resolve(Response.json({}, { status: 500 }));
      },
    },
    { [CHART]: PDF, [SPEECH]: WAV },
  );
  const quoted = `{"url":"${CHART}","file_data":"${CHART}"}`;
  const said = JSON.stringify(quoted);
  const text = `{"model":"native", "x":{"big":12345678901234567890,"one":1.0,"file":${quoted}},"messages":[
    {"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":${said}}}]},
    {"role":"tool","tool_call_id":"a","content":${said}},
    {"role":"user","content":[ {"type":"file","file":{"file_data":"${CHART.replaceAll("/", "\\/")}"}} ,{"type":"input_audio","input_audio":{"data":"${SPEECH}","format":"mp3"}}]}]}`;
  await failure(connector, openaiChatClient.decodeRequest(text));
  const data = Buffer.from(PDF.data).toString("base64");
  expect(texts).toEqual([
    text
      .replace(CHART.replaceAll("/", "\\/"), `data:application/pdf;base64,${data}`)
      .replace(`"data":"${SPEECH}","format":"mp3"`, '"data":"d2F2","format":"wav"'),
  ]);
});

function image(url: string): JsonObject {
  return { type: "image_url", image_url: { url } };
}

test("hosts that are known to take no addresses get bytes, and their own names for files", async () => {
  for (const profile of ["ollama", "lm-studio", "moonshot"]) {
    const { connector, sent, downloads } = rig({ profile }, { [PHOTO]: PNG });
    const request = chatRequest({
      messages: [{ role: "user", content: [image(PHOTO), image("ms://file-1")] }],
    });
    await failure(connector, request);
    await failure(connector, translated(request));
    expect(new Set(downloads)).toEqual(new Set([PHOTO]));
    const content = [image("data:image/png;base64,cG5n"), image("ms://file-1")];
    for (const body of sent) expect(body).toMatchObject({ messages: [{ content }] });
  }
});

test("films that Google has already are not fetched for it", async () => {
  const { connector, sent, downloads } = rig(
    { kind: "gemini", baseUrl: "http://gemini.example/v1beta" },
    { [PHOTO]: PNG },
  );
  const film = "https://www.youtube.com/watch?v=abc";
  const request = chatRequest({
    messages: [
      { role: "user", content: [{ type: "video_url", video_url: { url: film } }, image(PHOTO)] },
    ],
  });
  await failure(connector, request, chatCall({ target: { provider: "p", model: "gemini-3-pro" } }));
  expect(downloads).toEqual([PHOTO]);
  expect(sent[0]).toMatchObject({
    contents: [
      {
        parts: [
          { fileData: { mimeType: "video/mp4", fileUri: film } },
          { inlineData: { mimeType: "image/png", data: "cG5n" } },
        ],
      },
    ],
  });
});

test("a document that is text becomes text in Anthropic's dialect, where base64 is for PDF", async () => {
  const { connector, sent } = rig(
    {
      kind: "vertex",
      baseUrl: "http://vertex.example/v1",
      google: { accessToken: "t", project: "p" },
    },
    { [CHART]: { data: Buffer.from("näher"), mimeType: "text/markdown" } },
  );
  const request = messages([{ type: "document", source: { type: "url", url: CHART }, title: "T" }]);
  const target = { provider: "p", model: "publishers/anthropic/models/claude-sonnet-4-5" };
  await failure(connector, request, chatCall({ target }));
  expect(sent[0]).toMatchObject({
    messages: [
      {
        content: [
          {
            type: "document",
            source: { type: "text", media_type: "text/plain", data: "näher" },
            title: "T",
          },
        ],
      },
    ],
  });
  expect(await connector.countTokens?.(request, chatCall({ target })).catch(() => 0)).toBe(0);
  expect(JSON.stringify(sent[1])).not.toContain(CHART);
});

/** A request with so many files, each at a URL of its own. */
const many = (count: number): ChatRequest =>
  chatRequest({
    messages: [
      {
        role: "user",
        content: Array.from({ length: count }, (_, index) => ({
          type: "file",
          file: { file_data: `https://files.example/${index}` },
        })),
      },
    ],
  });

test("no more files are fetched than a request may have, and few at a time", async () => {
  let open = 0;
  let most = 0;
  const { connector, sent } = rig({
    async download() {
      open += 1;
      most = Math.max(most, open);
      await Promise.resolve();
      open -= 1;
      return PDF;
    },
  });
  const error = await failure(connector, many(101));
  expect([error.code, sent.length]).toEqual(["too_many_files", 0]);
  await failure(connector, many(100));
  expect([sent.length, most]).toEqual([1, 4]);
});

test("a second attempt does not fetch again", async () => {
  const { connector, sent, downloads } = rig({}, { [CHART]: PDF });
  const request = fileRequest();
  await failure(connector, request);
  await failure(connector, request);
  expect(sent).toHaveLength(2);
  expect(downloads).toHaveLength(1);
});

test("a second attempt fetches again what had to make room for other requests", async () => {
  const room = createMediaRoom();
  const fetched: string[] = [];
  const fetchMedia = createDownloader({
    room,
    limits: () => ({
      allowPrivate: true,
      allowHttp: true,
      maxBytes: 100,
      maxTotalBytes: 150,
      maxHeldBytes: 180,
      timeoutMs: 5000,
    }),
    resolve: () => Promise.resolve(["127.0.0.1"]),
    fetch(url) {
      fetched.push(url);
      return Promise.resolve(new Response(Buffer.concat([PDF.data, Buffer.alloc(82)])));
    },
  });
  const { connector, sent } = rig({ download: fetchMedia });
  const request = many(1);
  await failure(connector, request);
  await failure(connector, request);
  expect([fetched.length, room.held]).toEqual([1, 90]);
  // The first of those under way waits for nobody, and this one is not it.
  room.enter();
  await failure(connector, many(1));
  expect([fetched.length, room.held]).toEqual([2, 180]);
  await failure(connector, many(1));
  expect([fetched.length, room.held]).toEqual([3, 180]);
  await failure(connector, request);
  expect([fetched.length, room.held]).toEqual([4, 180]);
  expect(new Set(sent.map((body) => JSON.stringify(body))).size).toBe(1);
});

const messages = (content: readonly JsonObject[]) =>
  anthropicMessagesClient.decodeRequest(
    JSON.stringify({ model: "m", max_tokens: 9, messages: [{ role: "user", content }] }),
  );

test("sources of Anthropic's dialect become base64, also within results of tools", async () => {
  const { connector, sent } = rig(
    {
      kind: "vertex",
      baseUrl: "http://vertex.example/v1",
      google: { accessToken: "t", project: "p" },
    },
    { [PHOTO]: PNG },
  );
  await failure(
    connector,
    messages([{ type: "image", source: { type: "url", url: PHOTO }, "x-own": [1, null] }]),
    chatCall({ target: { provider: "p", model: "claude-sonnet-4-5" } }),
  );
  expect(sent[0]).toMatchObject({
    messages: [
      {
        content: [
          {
            type: "image",
            source: { type: "base64", media_type: "image/png", data: "cG5n" },
            "x-own": [1, null],
          },
        ],
      },
    ],
  });
});

test("what cannot be fetched, or is something else than it was said to be, is refused before the provider is asked", async () => {
  const missing = rig({});
  expect((await failure(missing.connector, fileRequest())).message).toBe("nothing there");
  const wrong = rig({}, { [CHART]: PNG });
  const error = await failure(wrong.connector, fileRequest());
  expect(error.message).toBe("https://files.example/chart.pdf is image/png, not file");
  expect([...missing.sent, ...wrong.sent]).toEqual([]);
});

test("without leave to fetch, the request is refused as the target would have to", async () => {
  const { connector, sent } = rig({ kind: "clewdr", backend: "web" });
  const closed = createConnector({
    name: "p",
    kind: "clewdr",
    backend: "web",
    apiKeys: [],
    headers: {},
  });
  const error = await failure(
    closed,
    messages([{ type: "image", source: { type: "url", url: PHOTO } }]),
  );
  expect(error).toMatchObject({ kind: "invalid-request", code: "unsupported_by_provider" });
  expect(sent).toEqual([]);
  connector.close();
});
