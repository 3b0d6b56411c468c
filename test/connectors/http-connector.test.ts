/** What connectors put together from several lines, or with credentials that must be fetched, do with them. */
import { describe, expect, test } from "bun:test";

import type { Connector, Fetch } from "../../src/connectors/connector.ts";
import type { Credentials, Grant } from "../../src/connectors/credentials.ts";
import { createHttpConnector } from "../../src/connectors/http-connector.ts";
import type { Line } from "../../src/connectors/line.ts";
import { bearer, openaiChatLine } from "../../src/connectors/openai-chat-line.ts";
import { chatCall, chatRequest, converse, failure, optionsFor } from "../contract/calling.ts";
import { capable } from "../support/capable.ts";

type Sent = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
};

/** A connector that asks nobody: every request is kept, and answered by `answer`. */
function rig(
  answer: (sent: Sent) => Response,
  parts: { readonly lineFor: () => Line; readonly credentials?: Credentials },
): { readonly connector: Connector; readonly sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch: Fetch = (url, init) => {
    const body: unknown = typeof init.body === "string" ? JSON.parse(init.body) : undefined;
    const seen = { url, headers: Object.fromEntries(new Headers(init.headers).entries()), body };
    sent.push(seen);
    return Promise.resolve(answer(seen));
  };
  const connector = createHttpConnector(
    { ...optionsFor("any", "http://upstream.test/v1"), fetch },
    {
      baseUrl: "http://unused.test",
      capabilities: capable,
      authorize: bearer,
      models: { path: false, line: parts.lineFor() },
      ...parts,
    },
  );
  return { connector, sent };
}

const reply = (): Response =>
  Response.json({
    choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  });

const plain = openaiChatLine({});

describe("a line", () => {
  test("may lead to a whole URL, past the base URL", async () => {
    const line: Line = { ...plain, path: (target) => `http://elsewhere.test/${target.model}:ask` };
    const { connector, sent } = rig(reply, { lineFor: () => line });
    await converse(connector, chatRequest());
    expect(sent[0]?.url).toBe("http://elsewhere.test/native:ask");
  });

  test("may take even the model's name out of a verbatim body", async () => {
    const line: Line = { ...plain, amend: () => ({ model: undefined, version: "1" }) };
    const { connector, sent } = rig(reply, { lineFor: () => line });
    await converse(connector, chatRequest());
    expect(sent[0]?.body).toEqual({
      messages: [{ role: "user", content: "Hello?" }],
      version: "1",
    });
  });

  test("counts tokens where it has a counter", async () => {
    const line: Line = {
      ...plain,
      counter: {
        path: () => "/count",
        encode: (_request, target) => JSON.stringify({ counted: target.model }),
        decode: (body) => (typeof body["tokens"] === "number" ? body["tokens"] : undefined),
      },
    };
    const { connector, sent } = rig(() => Response.json({ tokens: 17 }), { lineFor: () => line });
    expect(await connector.countTokens?.(chatRequest(), chatCall())).toBe(17);
    expect(sent[0]).toMatchObject({
      url: "http://upstream.test/v1/count",
      body: { counted: "native" },
    });
  });

  test("without a counter counts nothing and asks nobody", async () => {
    const { connector, sent } = rig(reply, { lineFor: () => plain });
    expect(await connector.countTokens?.(chatRequest(), chatCall())).toBeUndefined();
    expect(sent).toEqual([]);
  });
});

describe("credentials that must be fetched", () => {
  test("are waited for, and blotted out of the provider's words", async () => {
    const grant: Grant = {
      headers: { authorization: "Bearer fetched-token" },
      secrets: ["fetched-token"],
      judge: () => true,
    };
    const credentials: Credentials = { take: () => Promise.resolve(grant) };
    const { connector, sent } = rig(
      () => Response.json({ error: { message: "bad fetched-token", type: "x" } }, { status: 400 }),
      { lineFor: () => plain, credentials },
    );
    const error = await failure(connector, chatRequest());
    expect(sent[0]?.headers["authorization"]).toBe("Bearer fetched-token");
    expect(error.message).toContain("bad [redacted]");
    // The grant says that another can be had at once.
    expect(error.traits.retryHere).toBe(true);
  });
});
