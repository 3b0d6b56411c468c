import { describe, expect, test } from "bun:test";

import { openaiChatProvider as provider } from "../../../../src/connectors/wire/openai-chat/egress.ts";

function errorOf(
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): ReturnType<typeof provider.decodeError> {
  return provider.decodeError(
    status,
    typeof body === "string" ? body : JSON.stringify(body),
    new Headers(headers),
  );
}

const wait = (headers: Record<string, string>): number | undefined =>
  errorOf(429, "", headers).retryAfterMs;
const said = (body: unknown): string => errorOf(400, body).message;
const relayed = (raw: unknown, message = "Provider returned error"): string =>
  said({ error: { code: 400, message, metadata: { provider_name: "Acme", raw } } });

describe("every status has a kind", () => {
  const kinds: readonly (readonly [number, string, number, boolean, boolean])[] = [
    [400, "invalid-request", 400, false, false],
    [401, "unavailable", 502, false, true],
    [402, "unavailable", 503, false, true],
    [403, "unavailable", 502, false, true],
    [404, "not-found", 404, false, true],
    [405, "unavailable", 502, false, true],
    [408, "timeout", 504, true, true],
    [409, "unavailable", 409, true, true],
    [413, "too-large", 413, false, true],
    [422, "invalid-request", 422, false, false],
    [429, "rate-limited", 429, true, true],
    [500, "unavailable", 500, true, true],
    [502, "unavailable", 502, true, true],
    [503, "unavailable", 503, true, true],
    [504, "timeout", 504, true, true],
    [520, "unavailable", 502, true, true],
    [524, "timeout", 504, true, true],
    [529, "unavailable", 503, true, true],
  ];
  for (const [status, kind, answered, here, elsewhere] of kinds) {
    test(`${status} is ${kind}, told as ${answered}`, () => {
      const error = errorOf(status, { error: { message: "words" } });
      const told: string = error.kind;
      expect(told).toBe(kind);
      expect(error.traits).toMatchObject({
        status: answered,
        retryHere: here,
        tryElsewhere: elsewhere,
      });
      expect(error.upstreamStatus).toBe(status);
    });
  }

  test("words of 4xx that the caller can mend are the provider's own; of 5xx they say whose they are", () => {
    expect(errorOf(400, { error: { message: "words" } }).message).toBe("words");
    expect(errorOf(500, { error: { message: "words" } }).message).toBe(
      "the provider answered 500: words",
    );
    expect(errorOf(503, "").message).toBe("the provider answered 503");
  });

  test("a refused credential of ours is not told as the caller's", () => {
    const error = errorOf(401, {
      error: { message: "Incorrect API key provided: sk-abc***xyz", code: "invalid_api_key" },
    });
    expect(error.message).toBe("the provider refused the gateway's own credentials (401)");
    expect(error.code).toBe("provider_authentication_failed");
    expect(error.traits.level).toBe("error");
  });

  test("a context that is too long has its code, also where the provider gave none", () => {
    const words = "This model's maximum context length is 8192 tokens, however you requested 9000.";
    expect(errorOf(400, { error: { message: words } }).code).toBe("context_length_exceeded");
    expect(errorOf(400, { error: { message: "no" } }).code).toBeUndefined();
  });

  test("content that a safety system refused is no fault in the request", () => {
    for (const code of ["content_policy_violation", "content_filter", "data_inspection_failed"]) {
      expect(errorOf(400, { error: { message: "x", code } }).kind).toBe("refused");
    }
    const azure = {
      error: { message: "x", code: 400, innererror: { code: "ResponsibleAIPolicyViolation" } },
    };
    expect(errorOf(400, azure).kind).toBe("refused");
  });
});

describe("the wait that a provider asks for", () => {
  test("is read in milliseconds, in seconds and as a date", () => {
    expect(wait({ "retry-after-ms": "250", "retry-after": "9" })).toBe(250);
    expect(wait({ "retry-after": "3" })).toBe(3000);
    expect(wait({ "retry-after": "0.5" })).toBe(500);
    const date = "Wed, 21 Oct 2026 07:28:00 GMT";
    expect(wait({ date, "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT" })).toBe(30_000);
    expect(wait({ date, "retry-after": "Wed, 21 Oct 2026 07:00:00 GMT" })).toBe(0);
  });

  test("is none where it is missing or nonsense, and never absurd", () => {
    expect(wait({})).toBeUndefined();
    expect(wait({ "retry-after": "soon" })).toBeUndefined();
    expect(wait({ "retry-after": "99999999999" })).toBe(24 * 60 * 60 * 1000);
  });

  test("is kept on other kinds too", () => {
    expect(errorOf(503, "", { "retry-after": "5" }).retryAfterMs).toBe(5000);
  });

  test("may be Google's RetryInfo in the body, which a header beats", () => {
    const retryDelay = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "13.5s" };
    const body = JSON.stringify([{ error: { code: 429, message: "slow", details: [retryDelay] } }]);
    expect(errorOf(429, body).retryAfterMs).toBe(13_500);
    expect(errorOf(429, body, { "retry-after": "2" }).retryAfterMs).toBe(2000);
  });
});

describe("what a provider says", () => {
  test("is found in every shape", () => {
    expect(said({ error: { message: "a" } })).toBe("a");
    expect(said({ error: "b" })).toBe("b");
    expect(said({ message: "c" })).toBe("c");
    expect(said({ detail: "d" })).toBe("d");
    expect(
      said({
        detail: [
          { loc: ["body", "n"], msg: "e" },
          { loc: ["body", "m"], msg: "f" },
        ],
      }),
    ).toBe("body.n: e; body.m: f");
    expect(said({ object: "error", message: { detail: [{ loc: ["body"], msg: "g" }] } })).toBe(
      "body: g",
    );
    expect(said([{ error: { code: 400, message: "h", status: "INVALID_ARGUMENT" } }])).toBe("h");
    expect(said("plain words\n")).toBe("plain words");
    expect(said("<!doctype html><title>Oops</title>")).toBe("Oops");
    expect(said("<html><body>x</body></html>")).toBe("an HTML page");
    expect(said({})).toBe("the provider answered 400");
    expect(said("null")).toBe("the provider answered 400");
  });

  test("has the words behind OpenRouter's, with the name of who said them", () => {
    expect(relayed('{"error":{"message":"too hot"}}')).toBe(
      "Provider returned error (Acme: too hot)",
    );
    expect(relayed("too hot")).toBe("Provider returned error (Acme: too hot)");
    expect(relayed({ message: "too hot" })).toBe("Provider returned error (Acme: too hot)");
    expect(relayed(undefined)).toBe("Provider returned error (Acme)");
  });

  test("reaches nobody with a credential or an inside address in it", () => {
    const secrets = [
      "Bearer abcdefghijklmnopqrstuvwxyz",
      "sk-or-v1-0123456789abcdef0123456789abcdef",
      "sk-proj-****wXYZ",
      "sk-ant-api03-AAAAAAAAAAAAAAAAAAAA",
      "gsk_0123456789abcdefghij",
      "AIzaSyA1234567890abcdefghijklmnopqrstuv",
      "XJP_0123456789012345678901234567890123456789012",
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
      'api_key="abcd1234efgh"',
      "http://10.0.3.7:8080/v1/chat",
      "http://localhost:8484/x",
      "https://vllm.models.svc.cluster.local/v1",
      "http://gpu-7/v1",
      "http://[::1]:9/",
      "https://user:secret@example.com/v1",
    ];
    for (const secret of secrets) {
      const message = said({ error: { message: `before ${secret} after` } });
      expect(message).toMatch(/^before .*\[(?:redacted|url)\].* after$/);
      for (const piece of secret.match(/[\w-]{9,}/g) ?? []) {
        if (!/^(?:api_key|example)/.test(piece)) expect(message).not.toContain(piece);
      }
    }
  });

  test("keeps addresses of public documentation", () => {
    const words = "see https://platform.openai.com/docs/models for more";
    expect(said({ error: { message: words } })).toBe(words);
  });

  test("is cut at 2,000 characters, however much it is", () => {
    expect(said({ error: { message: "long ".repeat(1_000_000) } }).length).toBe(2000);
  });
});
