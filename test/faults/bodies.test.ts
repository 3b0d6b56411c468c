/** Bodies that are no requests: refused at once, at no cost, without asking anybody. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { readUsageRows } from "../support/usage-rows.ts";
import { DOORS } from "./_doors.ts";
import { answers, TEXT } from "./_provider.ts";
import { type FaultRig, startFaultRig } from "./_rig.ts";

const MOST_BYTES = 100_000;

let rig: FaultRig;

beforeAll(async () => {
  rig = await startFaultRig({ pair: {} }, `[limits]\nmax_body_bytes = ${MOST_BYTES}`);
  rig.one.acts("pair", answers());
});

afterAll(async () => {
  await rig.stop();
});

describe.each(DOORS.map((door) => [door.name, door] as const))("%s", (_name, door) => {
  const question = JSON.stringify(door.body("pair", false));
  const content = '"Count, please."';

  test.each([
    ["oversized", 413, question.replace("Count", "x".repeat(MOST_BYTES))],
    ["truncated", 400, question.slice(0, -10)],
    ["deeply nested", 400, question.replace(content, "[".repeat(5000) + "]".repeat(5000))],
    ["deeply nested and endless", 400, "[".repeat(50_000)],
    ["binary", 400, new Uint8Array([0xff, 0xfe, 0x00, 0x80, 0x7b, 0x22])],
    ["empty", 400, ""],
    ["a list", 400, "[]"],
  ] as const)("a body that is %s is refused", async (_what, status, body) => {
    const asked = rig.one.log("pair").length;
    const rows = readUsageRows(rig.gateway.database).length;
    const startedAt = performance.now();
    const response = await fetch(`${rig.gateway.url}${door.path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${rig.key}`, "content-type": "application/json" },
      body,
    });
    const told = await response.text();
    expect(response.status).toBe(status);
    expect(door.readWhole(JSON.parse(told)).errors).toHaveLength(1);
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(performance.now() - startedAt).toBeLessThan(1500);
    expect(rig.one.log("pair")).toHaveLength(asked);
    expect(readUsageRows(rig.gateway.database)).toHaveLength(rows);
  });

  test("and after all of them the gateway answers as before", async () => {
    expect(await rig.ask("pair", { door })).toMatchObject({ status: 200, text: TEXT });
  });
});
