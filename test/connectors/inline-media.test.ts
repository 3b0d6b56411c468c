/** Media by URL at targets that take bytes: fetched once a request, translated or verbatim. */
import { expect, test } from "bun:test";

import type { ConnectorOptions, Fetch } from "../../src/connectors/connector.ts";
import { ChatError } from "../../src/connectors/hub/error.ts";
import type { JsonObject } from "../../src/connectors/hub/json.ts";
import type { ChatRequest } from "../../src/connectors/hub/request.ts";
import { createConnector } from "../../src/connectors/index.ts";
import type { Media } from "../../src/connectors/net/download.ts";
import { anthropicMessagesClient } from "../../src/connectors/wire/anthropic-messages/ingress.ts";
import { chatCall, chatRequest, failure } from "../contract/calling.ts";

const PDF: Media = { data: Buffer.from("%PDF-1.7"), mimeType: "application/pdf" };
const PNG: Media = { data: Buffer.from("png"), mimeType: "image/png" };
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

test("a second attempt does not fetch again", async () => {
  const { connector, sent, downloads } = rig({}, { [CHART]: PDF });
  const request = fileRequest();
  await failure(connector, request);
  await failure(connector, request);
  expect(sent).toHaveLength(2);
  expect(downloads).toHaveLength(1);
});

const messages = (content: readonly JsonObject[]) =>
  anthropicMessagesClient.decodeRequest(
    JSON.stringify({ model: "m", max_tokens: 9, messages: [{ role: "user", content }] }),
  );

test("sources of Anthropic's dialect become base64, also within results of tools", async () => {
  const { connector, sent } = rig({ kind: "clewdr", backend: "web" }, { [PHOTO]: PNG });
  await failure(
    connector,
    messages([{ type: "image", source: { type: "url", url: PHOTO }, "x-own": [1, null] }]),
    chatCall(),
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
