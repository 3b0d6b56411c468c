/** What a connector must send, and what it must not. */
import { beforeEach, describe, expect, test } from "bun:test";

import type { ConnectorOptions } from "../../src/connectors/connector.ts";
import { FIXTURES, readRecordings, RECORDINGS } from "../support/recordings.ts";
import { chatCall, chatRequest, converse } from "./calling.ts";
import { eventStream, TEXT_CHUNKS, TEXT_REPLY } from "./openai-answers.ts";
import { jsonResponse, streamOf } from "./raw-upstream.ts";
import { type Rig, testVerbatim } from "./connector-rig.ts";

const WHOLE = chatRequest();
const STREAMED = chatRequest({ stream: true });

/** Declares these tests for the connector of a rig. */
export function requests(rig: Rig): void {
  describe("sends", () => {
    beforeEach(() => rig.upstream.script((line) => line.write(jsonResponse(TEXT_REPLY))));

    test("the key, the type of the body, and what kind of answer it takes", async () => {
      await converse(rig.connector, WHOLE);
      await converse(rig.connector, STREAMED);
      const [whole, streamed] = rig.upstream.seen;
      expect(whole).toMatchObject({ method: "POST", path: "/v1/chat/completions" });
      expect(whole?.headers.get("authorization")).toBe("Bearer sk-under-test");
      expect(whole?.headers.get("content-type")).toBe("application/json");
      expect(whole?.headers.get("accept")).toBe("application/json");
      expect(streamed?.headers.get("accept")).toBe("text/event-stream");
      expect(streamed?.headers.get("accept-encoding")).toBe("identity");
    });

    testVerbatim(rig, "the caller's own text with another model, byte for byte", async () => {
      const text =
        '{ "x_new":[1.0,1e2], "messages":[{"role":"user","content":"Hi \\u00e9"}],\n "model" : "logical" }';
      const request = { ...WHOLE, source: { ...WHOLE.source, text, body: JSON.parse(text) } };
      await converse(rig.connector, request);
      expect(rig.upstream.seen[0]?.text).toBe(text.replace('"logical"', '"native"'));
    });

    test("configured headers, which win over its own and the client's", async () => {
      const own = rig.create({
        headers: { "X-Team": "blue", Authorization: "Basic abc", "X-Title": "T" },
      });
      await converse(own, WHOLE, chatCall({ headers: new Headers({ "x-title": "client's" }) }));
      const headers = rig.upstream.seen[0]?.headers;
      expect(headers?.get("x-team")).toBe("blue");
      expect(headers?.get("authorization")).toBe("Basic abc");
      expect(headers?.get("x-title")).toBe("T");
    });

    test("no header of the client's that could speak for the gateway", async () => {
      const names = [
        "authorization",
        "x-api-key",
        "cookie",
        "host",
        "openai-organization",
        "openai-project",
        "idempotency-key",
        "x-forwarded-for",
        "user-agent",
        "accept-encoding",
        "transfer-encoding",
        "content-length",
        "x-stainless-lang",
      ];
      const client = new Headers(names.map((each): [string, string] => [each, "client's"]));
      await converse(rig.connector, WHOLE, chatCall({ headers: client }));
      const sent = [...(rig.upstream.seen[0]?.headers.entries() ?? [])];
      expect(sent.filter(([, value]) => value.includes("client's"))).toEqual([]);
    });

    test("no key where there is none", async () => {
      await converse(rig.create({ apiKeys: [] }), WHOLE);
      expect(rig.upstream.seen[0]?.headers.has("authorization")).toBe(false);
    });
  });

  describe("sends every recorded request as it was recorded, but for the model", () => {
    for (const [place, root] of [
      ["fixtures", FIXTURES],
      ["recordings", RECORDINGS],
    ] as const) {
      testVerbatim(rig, `from the ${place}`, async () => {
        const { exchanges } = readRecordings(root);
        if (place === "fixtures") expect(exchanges.length).toBeGreaterThan(0);
        rig.upstream.script((line, { text }) => {
          const streamed: unknown = JSON.parse(text).stream;
          if (streamed === true)
            void streamOf(eventStream(TEXT_CHUNKS))(line, rig.upstream.seen[0]!);
          else line.write(jsonResponse(TEXT_REPLY));
        });
        for (const { id, body } of exchanges) {
          await converse(rig.connector, chatRequest(body));
          const sent: unknown = JSON.parse(rig.upstream.seen.at(-1)?.text ?? "");
          expect([id, sent]).toEqual([
            id,
            {
              ...body,
              model: "native",
              ...(body["stream"] === true ? rig.traits.addsToStreams : {}),
            },
          ]);
        }
      });
    }
  });

  test("lists models, leniently", async () => {
    rig.upstream.script((line) =>
      line.write(
        jsonResponse({ data: [{ id: "a", created: 1 }, { nonsense: true }, { id: "b" }] }),
      ),
    );
    expect(await rig.connector.models?.(new AbortController().signal)).toEqual([
      { id: "a", created: 1 },
      { id: "b" },
    ]);
    expect(rig.upstream.seen[0]).toMatchObject({ method: "GET", path: "/v1/models" });
    rig.upstream.script((line) => line.write(jsonResponse({ error: { message: "no" } }, 500)));
    const error: unknown = await rig.connector
      .models?.(new AbortController().signal)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: "unavailable" });
  });

  test("refuses keys and headers that could write headers of their own", () => {
    const bad: readonly Partial<ConnectorOptions>[] = [
      { apiKeys: ["good", "sk-1\r\nx-evil: 1"] },
      { apiKeys: ["sk-1\n"] },
      { headers: { "x-a": "1\r\nx-evil: 1" } },
      { headers: { "x-a\r\nx-evil": "1" } },
      { headers: { "Content-Length": "3" } },
    ];
    for (const more of bad) {
      expect(() => rig.create(more)).toThrow(/^providers\.under-test/);
    }
  });
}
