import { describe, expect, test } from "bun:test";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import { ANSWER, scripted } from "../gateway/_setup.ts";
import { chatBody, KEY, testApp } from "./_setup.ts";

const TOKEN = "correct horse battery staple";
const EXPLAIN = "/admin/routes/explain?model=fast";

function app(adminToken: string | undefined = TOKEN, key = {}) {
  const connector = scripted("provider", [{ events: ANSWER }]);
  return testApp({ connector, key, ...(adminToken === undefined ? {} : { adminToken }) });
}

describe("the admin API", () => {
  test("is off without a token, for everybody", async () => {
    const { handle } = testApp({ connector: scripted("provider", []) });
    for (const key of [KEY, "", null]) {
      const response = await handle(EXPLAIN, { key });
      expect(response.status).toBe(404);
      expect(await response.text()).toContain("XJP_ADMIN_TOKEN");
    }
  });

  test.each([
    ["none", null],
    ["another", "wrong"],
    ["the beginning of it", TOKEN.slice(0, -1)],
    ["more than it", `${TOKEN}x`],
    ["a key of the gateway", KEY],
  ])("lets nobody in with %s", async (_what, key) => {
    const response = await app().handle(EXPLAIN, { key });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: "invalid_admin_token" } });
  });

  test("has paths and methods of its own", async () => {
    const { handle } = app();
    expect((await handle("/admin/nothing", { key: TOKEN })).status).toBe(404);
    expect((await handle(EXPLAIN, { key: TOKEN, method: "POST" })).status).toBe(405);
    // Its token is no key.
    expect((await handle("/v1/models", { key: TOKEN })).status).toBe(401);
  });

  test("tells where a request for a model would go", async () => {
    const response = await app().handle(EXPLAIN, { key: TOKEN });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      model: "fast",
      standsFor: "fast",
      recovery: "error",
      tenant: null,
      targets: [
        {
          order: 1,
          target: "provider/m",
          share: null,
          circuit: "closed",
          contextTokens: null,
        },
      ],
      passedOver: [],
    });
  });

  test("tells why not to a target whose circuit is open, and how its circuit stands", async () => {
    const down = new ChatError("unavailable", "down");
    const { handle, clock } = testApp({
      connector: scripted("provider", [{ error: down }]),
      adminToken: TOKEN,
    });
    for (let count = 0; count < 3; count += 1) await handle("/v1/chat/completions", chatBody());
    clock.advance(10_000);
    const told = await (await handle(EXPLAIN, { key: TOKEN })).json();
    expect(told).toMatchObject({
      targets: [],
      passedOver: [{ target: "provider/m", reason: "its circuit is open for another 20 s" }],
    });
    const circuits = await (await handle("/admin/circuits", { key: TOKEN })).json();
    expect(circuits).toMatchObject({
      circuits: [{ target: "provider/m", state: "open", waitMs: 20_000 }],
    });
  });

  test("answers for a key, whose list of models counts", async () => {
    const { handle } = app(TOKEN, { models: ["slow"] });
    const response = await handle(EXPLAIN, { key: TOKEN, headers: { "x-api-key": KEY } });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ error: { code: "model_not_allowed" } });
    const wrong = await handle(EXPLAIN, { key: TOKEN, headers: { "x-api-key": "XJP_no" } });
    expect(wrong.status).toBe(401);
  });

  test.each([
    ["/admin/routes/explain", "model"],
    [`${EXPLAIN}&needs=tools,wings`, "needs"],
    [`${EXPLAIN}&tokens=many`, "tokens"],
  ])("names what is wrong with %s", async (path, param) => {
    const response = await app().handle(path, { key: TOKEN });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param } });
  });
});
