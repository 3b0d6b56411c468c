import { describe, expect, test } from "bun:test";

import { checkedBaseUrl, checkedHeaders } from "../../src/connectors/checks.ts";

describe("a base URL", () => {
  test("is where paths begin, with or without a slash at its end, and keeps its query behind them", () => {
    const urls = {
      "https://host.example/api/v1": "https://host.example/api/v1/chat/completions",
      "https://host.example/api/v1/": "https://host.example/api/v1/chat/completions",
      "http://host.example:8080": "http://host.example:8080/chat/completions",
      "https://host.example/d/gpt?api-version=2026-01-01":
        "https://host.example/d/gpt/chat/completions?api-version=2026-01-01",
    };
    for (const [base, expected] of Object.entries(urls)) {
      expect(checkedBaseUrl("p", base)("/chat/completions")).toBe(expected);
    }
  });

  test("that is none, or none of HTTP, is refused by the name of its field", () => {
    for (const base of ["host.example", "ftp://host.example", ""]) {
      expect(() => checkedBaseUrl("p", base)).toThrow(/^providers\.p\.base_url /);
    }
  });

  test("with a login is refused without repeating it", () => {
    const message = messageOf(() => checkedBaseUrl("p", "https://me:SECRET@host.example"));
    expect(message).toContain("holds a login");
    expect(message).not.toContain("SECRET");
  });
});

test("a header that cannot be sent is named, but its value is not", () => {
  expect(check({ "X-A": "tab\tand é" })).toEqual({ "x-a": "tab\tand é" });
  const message = messageOf(() => check({ "x-a": "SECRET\n" }));
  expect(message).toContain('providers.p.headers: "x-a" has a value');
  expect(message).not.toContain("SECRET");
  expect(() => check({ "x-a": "漢" })).toThrow("no header may hold");
  expect(() => check({ "": "b" })).toThrow("no valid header name");
  expect(() => check({ Host: "b" })).toThrow("set by the gateway itself");
});

function check(headers: Record<string, string>): unknown {
  return checkedHeaders({ name: "p", kind: "k", apiKeys: [], headers });
}

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return String(error);
  }
  return "nothing was thrown";
}
