import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { reportCsv } from "../../src/cli/usage/_csv.ts";
import { addUp } from "../../src/cli/usage/_read.ts";
import { migrate } from "../../src/server/store/migrate.ts";
import { openStore } from "../../src/server/store/open.ts";
import type { UsageRow } from "../../src/server/store/store.ts";
import { makeFolder, object, objects, text, type Folder } from "./run.ts";

const day = 86_400_000;
let folder: Folder;
let keyId: string;

function row(change: Partial<UsageRow> & Pick<UsageRow, "createdAt">): UsageRow {
  return {
    id: crypto.randomUUID(),
    apiKeyId: keyId,
    tenantId: "acme",
    logicalModel: "fast",
    provider: "openrouter",
    providerModelId: "x/y",
    inputTokens: 1000,
    outputTokens: 234,
    cacheReadTokens: 10,
    cacheWriteTokens: 0,
    reasoningTokens: 4,
    estimated: false,
    costNanoUsd: 12_345_000,
    latencyMs: 100,
    timeToFirstTokenMs: 20,
    statusCode: 200,
    status: "ok",
    errorMessage: null,
    requestId: "r",
    stream: true,
    attempts: 1,
    ...change,
  };
}

beforeAll(async () => {
  folder = makeFolder();
  await migrate(folder.database);
  keyId = text(object(await folder.json(["keygen", "acme"]))["id"]);
  const store = await openStore(folder.database);
  const now = Date.now();
  await store.recordUsage([
    row({ createdAt: now - 1000 }),
    row({ createdAt: now - 1000, costNanoUsd: 1, latencyMs: 400, estimated: true }),
    row({
      createdAt: now - 1000,
      logicalModel: "big",
      tenantId: '=cmd,"x"',
      apiKeyId: "gone",
      costNanoUsd: 3_000_000_000,
      status: "failed",
      statusCode: 502,
    }),
    row({ createdAt: now - 20 * day, logicalModel: "old" }),
    row({ createdAt: Date.UTC(2026, 0, 31, 23, 59, 59, 999), logicalModel: "january" }),
    row({ createdAt: Date.UTC(2026, 1, 1), logicalModel: "february" }),
  ]);
  await store.close();
});
afterAll(() => folder.remove());

describe("xjp usage report", () => {
  test("shows the last seven days as a table with exact money and a sum", async () => {
    const { code, stdout, stderr } = await folder.run(["usage", "report", "--by", "model"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^usage from .* UTC to .* UTC$/m);
    expect(stdout.split("\n")).toEqual([
      "MODEL  REQUESTS  ERRORS  INPUT  OUTPUT  TOTAL TOKENS      COST USD  AVG MS",
      "big           1       1  1,000     234         1,234  $3.000000000     100",
      "fast          2       0  2,000     468        *2,468  $0.012345001     250",
      "--------------------------------------------------------------------------",
      "TOTAL         3       1  3,000     702        *3,702  $3.012345001     200",
      "* the provider reported no usage for 1 of 3 requests: their tokens are estimates",
      "",
    ]);
  });

  test("gives programs counts as numbers and money as text", async () => {
    const report = object(
      await folder.json(["usage", "report", "--by", "model", "--tenant", "acme"]),
    );
    expect(report).toMatchObject({ by: "model", tenant: "acme" });
    expect(objects(report["lines"])).toEqual([
      {
        model: "fast",
        requests: 2,
        errors: 0,
        input_tokens: 2000,
        output_tokens: 468,
        cache_read_tokens: 20,
        reasoning_tokens: 8,
        total_tokens: 2468,
        estimated_requests: 1,
        cost_usd: "0.012345001",
        average_latency_ms: 250,
      },
    ]);
    expect(object(report["total"])["cost_usd"]).toBe("0.012345001");
    const other = await folder.run([
      "usage",
      "report",
      "--by",
      "model",
      "--tenant",
      "acme",
      "--format",
      "json",
    ]);
    expect(object(object(JSON.parse(other.stdout))["total"])).toEqual(object(report["total"]));
  });

  test("takes days from midnight to midnight, the last one left out", async () => {
    const words = "usage report --by model --since 2026-01-01 --until 2026-02-01".split(" ");
    const { lines, since, until } = object(await folder.json(words));
    expect([since, until]).toEqual(["2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"]);
    expect(objects(lines).map(({ model }) => model)).toEqual(["january"]);
  });

  test("names keys by what people know of them, also those that are gone", async () => {
    const { lines } = object(await folder.json(["usage", "report", "--by", "key"]));
    expect(objects(lines).map((line) => [line["key_id"], line["tenant"]])).toEqual([
      ["gone", null],
      [keyId, "acme"],
    ]);
    const { stdout } = await folder.run(["usage", "report", "--by", "key"]);
    expect(stdout).toMatch(new RegExp(`^${keyId} +XJP_[\\w-]{8} +acme +2 `, "m"));
    expect(stdout).toMatch(/^gone +\(gone\) +1 /m);
  });

  test("writes CSV by RFC 4180, with formulas disarmed", async () => {
    const { code, stdout } = await folder.run("usage report --by tenant --format csv".split(" "));
    expect(code).toBe(0);
    expect(stdout.split("\r\n")).toEqual([
      "tenant,requests,errors,input_tokens,output_tokens,cache_read_tokens,reasoning_tokens,total_tokens,estimated_requests,cost_usd,average_latency_ms",
      `"'=cmd,""x""",1,1,1000,234,10,4,1234,0,3.00,100`,
      "acme,2,0,2000,468,20,8,2468,1,0.012345001,250",
      "",
    ]);
  });

  test("says on standard error that there is nothing", async () => {
    const { code, stdout, stderr } = await folder.run(["usage", "report", "--tenant", "nobody"]);
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(/^no usage of tenant nobody from .* UTC: no key is of this tenant\n$/);
    const near = await folder.run(["usage", "report", "--tenant", "acne"]);
    expect(near.stderr).toEndWith(": no key is of this tenant (did you mean acme?)\n");
    const early = ["--since", "2025-01-01", "--until", "2025-01-02"];
    const idle = await folder.run(["usage", "report", "--tenant", "acme", ...early]);
    expect(idle.stderr).toBe(
      "no usage of tenant acme from 2025-01-01 00:00 UTC to 2025-01-02 00:00 UTC\n",
    );
  });

  test("is asked for one format", async () => {
    const { code, stderr } = await folder.run("usage report --json --format csv".split(" "));
    expect(code).toBe(2);
    expect(stderr).toStartWith("xjp: --json and --format csv are two formats: give one");
    expect((await folder.run("usage report --json --format json".split(" "))).code).toBe(0);
  });

  test("refuses a period that ends before it begins", async () => {
    const { code, stderr } = await folder.run(
      "usage report --since 2026-02-01 --until 2026-01-01".split(" "),
    );
    expect(code).toBe(2);
    expect(stderr).toContain(
      "--since (2026-02-01 00:00 UTC) is not before --until (2026-01-01 00:00 UTC)",
    );
  });
});

test("sums of money stay exact beyond what a number holds", () => {
  const line = { ...addUp([]), group: "a", costNanoUsd: Number.MAX_SAFE_INTEGER };
  expect(addUp([line, line, line]).costNanoUsd).toBe(BigInt(Number.MAX_SAFE_INTEGER) * 3n);
});

test.each(["=1+1", "+1", "-1", "@x", "\tx", "\rx"])(
  "a CSV cell that begins like %j is text",
  (group) => {
    const line = { ...addUp([]), group, costNanoUsd: 0 };
    const csv = reportCsv({
      query: { since: 0, until: 1, by: "tenant" },
      lines: [line],
      totals: addUp([]),
    });
    expect(csv.split("\r\n")[1] ?? "").toMatch(/^"?'/);
  },
);
