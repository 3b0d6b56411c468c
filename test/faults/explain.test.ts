/** The admin API of the built binary and the command that asks it, with a circuit that is open. */
import { afterAll, beforeAll, expect, test } from "bun:test";

import { startGateway, type Gateway } from "../support/gateway.ts";
import { post } from "../support/raw-client.ts";
import { openaiDoor } from "./_doors.ts";
import { answers, type Provider, says, startProvider } from "./_provider.ts";

const TOKEN = "an admin's token";
let down: Provider;
let well: Provider;
let gateway: Gateway;
let key: string;

beforeAll(async () => {
  down = startProvider();
  well = startProvider();
  gateway = await startGateway({
    env: { XJP_ADMIN_TOKEN: TOKEN },
    config: `[breaker]
failures = 1
[models.fast.primary]
provider = "down"
provider_model_id = "m"
retry = { max_retries = 0 }
[models.fast.fallback]
provider = "well"
provider_model_id = "m"
[providers.down]
kind = "openai-compatible"
base_url = "${down.url}"
[providers.well]
kind = "openai-compatible"
base_url = "${well.url}"
`,
  });
  ({ key } = await gateway.makeKey());
  down.acts("m", says(500));
  well.acts("m", answers());
});

afterAll(async () => {
  await gateway.stop();
  down.stop();
  well.stop();
});

test("an open circuit is the reason why a target is not tried", async () => {
  const before = await gateway.run(["models", "--explain", "fast", "--url", gateway.url]);
  expect(before.stdout).toMatch(/1 {2}down\/m[^]*2 {2}well\/m/);
  expect((await post(gateway.url, key, openaiDoor.body("fast", false))).status).toBe(200);

  const after = await gateway.run(["models", "--explain", "fast", "--url", gateway.url]);
  expect([after.code, after.stderr]).toEqual([0, ""]);
  expect(after.stdout).toMatch(/1 {2}well\/m/);
  expect(after.stdout).toMatch(/not tried\n {2}down\/m {2}its circuit is open for another \d+ s/);

  const path = `${gateway.url}/admin/routes/explain?model=fast`;
  const told = await fetch(path, { headers: { authorization: `Bearer ${TOKEN}` } });
  expect(await told.json()).toMatchObject({
    targets: [{ target: "well/m", order: 1 }],
    passedOver: [{ target: "down/m" }],
  });
  expect((await fetch(path, { headers: { authorization: "Bearer no" } })).status).toBe(401);
  expect((await fetch(path, { headers: { authorization: `Bearer ${key}` } })).status).toBe(401);
});
