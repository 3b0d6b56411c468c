import { expect, test } from "bun:test";

import { createConnector } from "../../src/connectors/index.ts";
import { connectorKinds } from "../../src/server/config/config.ts";

const OPTIONS = { name: "p", apiKeys: [], headers: {} };

test("every kind that configuration knows has a connector of its name", () => {
  for (const kind of connectorKinds) {
    const baseUrl = "https://host.example/v1";
    expect(createConnector({ ...OPTIONS, kind, baseUrl }).name).toBe("p");
  }
});

test("what cannot be made is refused with what to do", () => {
  expect(() => createConnector({ ...OPTIONS, kind: "constructor" })).toThrow(
    /^providers\.p\.kind: no connector constructor; there are openrouter, /,
  );
  expect(() => createConnector({ ...OPTIONS, kind: "openai-compatible" })).toThrow(
    "providers.p: set base_url or profile",
  );
  for (const profile of ["opnai", "constructor"]) {
    expect(() => createConnector({ ...OPTIONS, kind: "openai-compatible", profile })).toThrow(
      `providers.p.profile: no profile named ${profile}`,
    );
  }
});
