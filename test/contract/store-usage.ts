import { describe, expect, test } from "bun:test";
import type { KeyTotals, UsageQuery } from "../../src/server/store/store.ts";
import { aKey, aRow, DAY, HOUR, NOON, uuid } from "./records.ts";
import { rejection } from "../support/rejection.ts";
import type { StoreRig } from "./store.ts";

/** Rows of usage, and what they add up to. */
export function usage(rig: StoreRig): void {
  describe("usage", () => {
    const all = { since: NOON - 400 * DAY, until: NOON + 400 * DAY };
    const report = (query: Partial<UsageQuery>) =>
      rig.store.usageReport({ ...all, by: "tenant", ...query });

    test("a report adds up every column", async () => {
      await rig.store.recordUsage([
        aRow(1, { cacheReadTokens: 4, reasoningTokens: 3, costNanoUsd: 7, latencyMs: 100 }),
        aRow(2, { inputTokens: 90, outputTokens: 45, estimated: true, latencyMs: 200 }),
        aRow(3, { status: "failed", statusCode: 502, latencyMs: 600 }),
        aRow(4, { status: "cut", latencyMs: 100 }),
        aRow(5, { status: "cancelled", statusCode: 499, latencyMs: 0 }),
        aRow(6, { status: "lost", statusCode: 500, latencyMs: 200 }),
      ]);
      expect(await report({})).toEqual([
        {
          group: "acme",
          requests: 6,
          errors: 3,
          inputTokens: 140,
          outputTokens: 70,
          cacheReadTokens: 4,
          reasoningTokens: 3,
          totalTokens: 210,
          estimatedRequests: 1,
          costNanoUsd: 5_007,
          averageLatencyMs: 200,
        },
      ]);
    });

    test("the same rows again, in another batch or the same, change nothing", async () => {
      await rig.store.recordUsage([aRow(1), aRow(2)]);
      await rig.store.recordUsage([aRow(2, { costNanoUsd: 9 }), aRow(3), aRow(3)]);
      await rig.store.recordUsage([]);
      expect(await report({})).toMatchObject([{ requests: 3, costNanoUsd: 3_000 }]);
    });

    test("many rows at once, some of them again, count once each", async () => {
      const many = Array.from({ length: 130 }, (_, number) => aRow(number));
      await rig.store.recordUsage(many.slice(0, 60));
      await rig.store.recordUsage([...many.slice(40), aRow(77), aRow(129)]);
      expect(await report({})).toMatchObject([{ requests: 130, costNanoUsd: 130_000 }]);
      const bad = [
        ...Array.from({ length: 60 }, (_, number) => aRow(200 + number)),
        aRow(300, { latencyMs: Number.NaN }),
      ];
      expect(await rejection(rig.store.recordUsage(bad))).toMatchObject({ rejected: true });
      expect(await report({})).toMatchObject([{ requests: 130 }]);
    });

    test("a batch with a row that cannot be stored is refused whole", async () => {
      const bad = aRow(2, { inputTokens: Number.NaN });
      expect(await rejection(rig.store.recordUsage([aRow(1), bad]))).toMatchObject({
        rejected: true,
      });
      const never = aRow(3, { createdAt: Number.NaN });
      expect(await rejection(rig.store.recordUsage([aRow(1), never]))).toMatchObject({
        rejected: true,
      });
      expect(await report({})).toEqual([]);
    });

    test("days are those of UTC, in order, without empty ones", async () => {
      const midnight = NOON - 12 * HOUR;
      await rig.store.recordUsage([
        aRow(1, { createdAt: midnight }),
        aRow(2, { createdAt: midnight - 1 }),
        aRow(3, { createdAt: midnight + DAY - 1 }),
        aRow(4, { createdAt: midnight + 3 * DAY, costNanoUsd: 5 }),
      ]);
      expect(groups(await report({ by: "day" }))).toEqual([
        ["2026-05-14", 1],
        ["2026-05-15", 2],
        ["2026-05-18", 1],
      ]);
    });

    test("since is within, until is without, for every grouping", async () => {
      await rig.store.recordUsage([
        aRow(1, { createdAt: NOON - 1 }),
        aRow(2, { createdAt: NOON }),
        aRow(3, { createdAt: NOON + DAY - 1 }),
        aRow(4, { createdAt: NOON + DAY }),
      ]);
      for (const by of ["day", "model", "key", "tenant", "provider"] as const) {
        const rows = await report({ by, since: NOON, until: NOON + DAY });
        expect(rows.reduce((sum, row) => sum + row.requests, 0)).toBe(2);
      }
      expect(await report({ since: NOON, until: NOON })).toEqual([]);
      expect(await report({ by: "day", since: NOON + 2 * DAY, until: NOON + 3 * DAY })).toEqual([]);
    });

    test("borders may lie at the ends of time", async () => {
      await rig.store.recordUsage([aRow(1)]);
      for (const by of ["day", "model"] as const) {
        const rows = await report({ by, since: 0, until: Number.POSITIVE_INFINITY });
        expect(rows).toMatchObject([{ requests: 1 }]);
      }
    });

    test("groups come by cost, then tokens, then requests, then name", async () => {
      await rig.store.recordUsage([
        aRow(1, { logicalModel: "b" }),
        aRow(2, { logicalModel: "a" }),
        aRow(3, { logicalModel: "dear", costNanoUsd: 2_000 }),
        aRow(4, { logicalModel: "long", outputTokens: 6 }),
        aRow(5, { logicalModel: "often", inputTokens: 5, costNanoUsd: 500, outputTokens: 0 }),
        aRow(6, { logicalModel: "often", inputTokens: 10, costNanoUsd: 500, outputTokens: 0 }),
      ]);
      expect(groups(await report({ by: "model" })).map(([group]) => group)).toEqual([
        "dear",
        "long",
        "often",
        "a",
        "b",
      ]);
    });

    test("what is grouped by is named, also when it is empty or not ASCII", async () => {
      await rig.store.recordUsage([
        aRow(1, { provider: "", tenantId: "日本" }),
        aRow(2, { apiKeyId: uuid(7), tenantId: "Ünï ☕", costNanoUsd: 2_000 }),
      ]);
      expect(groups(await report({ by: "provider" }))).toEqual([
        ["openrouter", 1],
        ["", 1],
      ]);
      expect(groups(await report({ by: "key" }))).toEqual([
        [uuid(7), 1],
        [uuid(1), 1],
      ]);
      expect(groups(await report({ by: "tenant" }))).toEqual([
        ["Ünï ☕", 1],
        ["日本", 1],
      ]);
    });

    test("a report of one tenant holds nothing of others", async () => {
      await rig.store.recordUsage([aRow(1), aRow(2, { tenantId: "acme2" }), aRow(3)]);
      for (const by of ["day", "model", "key", "tenant", "provider"] as const) {
        expect(await report({ by, tenantId: "acme" })).toMatchObject([{ requests: 2 }]);
        expect(await report({ by, tenantId: "nobody" })).toEqual([]);
      }
    });

    test("totals per key, tenant and model count from a moment on", async () => {
      await rig.store.recordUsage([
        aRow(1, { createdAt: NOON - 1 }),
        aRow(2, { costNanoUsd: 3 }),
        aRow(3, { createdAt: NOON + DAY, costNanoUsd: 4, status: "failed" }),
        aRow(4, { apiKeyId: uuid(2), inputTokens: 0, outputTokens: 0, costNanoUsd: 0 }),
        aRow(5, { apiKeyId: uuid(2), logicalModel: "slow" }),
        aRow(6, { apiKeyId: uuid(3), tenantId: "emca" }),
      ]);
      const totals = await rig.store.usageTotals(NOON);
      const owners = { tenantId: "acme", logicalModel: "fast" };
      expect(totals.toSorted((one, two) => (labelOf(one) < labelOf(two) ? -1 : 1))).toEqual([
        { ...owners, apiKeyId: uuid(1), requests: 2, tokens: 30, costNanoUsd: 7 },
        { ...owners, apiKeyId: uuid(2), requests: 1, tokens: 0, costNanoUsd: 0 },
        {
          ...owners,
          apiKeyId: uuid(2),
          logicalModel: "slow",
          requests: 1,
          tokens: 15,
          costNanoUsd: 1000,
        },
        {
          ...owners,
          apiKeyId: uuid(3),
          tenantId: "emca",
          requests: 1,
          tokens: 15,
          costNanoUsd: 1000,
        },
      ]);
      expect(await rig.store.usageTotals(NOON + 2 * DAY)).toEqual([]);
    });

    test("a part of a day is counted from its rows, and the whole of it from its totals", async () => {
      await rig.store.recordUsage([
        aRow(1, { createdAt: NOON - HOUR, latencyMs: 300 }),
        aRow(2, { createdAt: NOON, costNanoUsd: 7, status: "failed" }),
        aRow(3, { createdAt: NOON + HOUR, logicalModel: "slow" }),
        aRow(4, { createdAt: NOON + DAY, cacheReadTokens: 4 }),
        aRow(5, { createdAt: NOON + 2 * DAY, estimated: true }),
        aRow(6, { createdAt: NOON + 2 * DAY + HOUR, reasoningTokens: 2 }),
      ]);
      const borders = [-DAY, -HOUR, 0, 1, HOUR, HOUR + 1, 12 * HOUR, DAY, DAY + 1, 2 * DAY];
      borders.push(2 * DAY + HOUR, 2 * DAY + HOUR + 1, 2 * DAY + 12 * HOUR, 9 * DAY);
      const rows = [-HOUR, 0, HOUR, DAY, 2 * DAY, 2 * DAY + HOUR];
      for (const [index, since] of borders.entries()) {
        for (const until of borders.slice(index + 1)) {
          const within = rows.filter((at) => at >= since && at < until).length;
          for (const by of ["tenant", "day", "model"] as const) {
            const found = await report({ by, since: NOON + since, until: NOON + until });
            expect(found.reduce((sum, row) => sum + row.requests, 0)).toBe(within);
          }
        }
      }
    });

    test("rows that a hand writes, corrects or removes are in the reports as they are", async () => {
      await rig.store.recordUsage([aRow(1), aRow(2), aRow(3, { createdAt: NOON + DAY })]);
      await rig.sql(
        `update usage_logs set cost_nano_usd = 7, tenant_id = 'emca' where id = '${uuid(2)}'`,
      );
      await rig.sql(`delete from usage_logs where id = '${uuid(3)}'`);
      await rig.sql(
        `insert into usage_logs (id, api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens, output_tokens,
          latency_ms, status_code, status, request_id, created_at)
        values ('${uuid(4)}', '${uuid(1)}', 'acme', 'fast', 'openrouter', 'm', 5, 6, 7, 200, 'ok', 'r', '2019-12-31T23:59:59.999Z')`,
      );
      expect(await report({ since: 0 })).toMatchObject([
        { group: "acme", requests: 2, costNanoUsd: 1_000, totalTokens: 26 },
        { group: "emca", requests: 1, costNanoUsd: 7 },
      ]);
      expect(groups(await report({ by: "day", since: 0 }))).toEqual([
        ["2019-12-31", 1],
        ["2026-05-15", 2],
      ]);
    });

    test("rows are removed for their age, and their days stay in the reports", async () => {
      const old = Array.from({ length: 40 }, (_, index) =>
        aRow(index, { createdAt: NOON - (index + 1) * DAY }),
      );
      await rig.store.recordUsage([...old, aRow(41), aRow(42, { createdAt: NOON - 12 * HOUR })]);
      const before = await report({ by: "day" });
      const midnight = NOON - 12 * HOUR;
      expect(await rig.store.pruneUsage(midnight)).toBe(40);
      expect(await rig.store.pruneUsage(midnight)).toBe(0);
      expect(await report({ by: "day" })).toEqual(before);
      // Late ones are counted before they go as well.
      await rig.store.recordUsage([aRow(50, { createdAt: NOON - 3 * DAY })]);
      expect(await rig.store.pruneUsage(midnight - DAY)).toBe(1);
      expect((await report({})).map((row) => row.requests)).toEqual([43]);
      await rig.sql(`delete from usage_logs where id = '${uuid(41)}'`);
      expect((await report({})).map((row) => row.requests)).toEqual([42]);
    });

    test("sums are exact up to 2^53 and close beyond", async () => {
      const half = (Number.MAX_SAFE_INTEGER - 1) / 2;
      await rig.store.recordUsage([
        aRow(1, { costNanoUsd: half, inputTokens: half, outputTokens: 1 }),
        aRow(2, { costNanoUsd: half + 1, inputTokens: half, outputTokens: 0 }),
      ]);
      expect(await report({})).toMatchObject([
        { costNanoUsd: Number.MAX_SAFE_INTEGER, totalTokens: Number.MAX_SAFE_INTEGER },
      ]);
      await rig.store.recordUsage([aRow(3, { costNanoUsd: Number.MAX_SAFE_INTEGER })]);
      expect((await report({}))[0]?.costNanoUsd).toBeCloseTo(2 * Number.MAX_SAFE_INTEGER, -2);
    });

    test("fractions of a millisecond are rounded, odd words are kept", async () => {
      const said = "it's; drop table usage_logs; -- 💥\n\"";
      await rig.store.recordUsage([
        aRow(1, {
          latencyMs: 12.6,
          timeToFirstTokenMs: 3.2,
          errorMessage: said,
          logicalModel: said,
        }),
      ]);
      expect(await report({ by: "model" })).toMatchObject([{ group: said, averageLatencyMs: 13 }]);
    });

    test("names as long as they may be are kept whole, whatever they are written in", async () => {
      const names = [`${long(1)}a`, `${long(1)}b`, `${"x".repeat(253)}🙂`];
      await rig.store.recordUsage(
        names.map((logicalModel, at) =>
          aRow(at, { logicalModel, tenantId: `${long(2)}c`, provider: "p".repeat(255) }),
        ),
      );
      expect((await report({ by: "model" })).map(({ group }) => group).toSorted()).toEqual(
        names.toSorted(),
      );
      expect(await report({ by: "tenant" })).toMatchObject([{ group: `${long(2)}c`, requests: 3 }]);
      const totals = await rig.store.usageTotals(0);
      expect(totals.map(({ logicalModel }) => logicalModel).toSorted()).toEqual(names.toSorted());
    });

    test("usage of a deleted key stays on the books", async () => {
      await rig.store.insertKey(aKey(1));
      await rig.store.recordUsage([aRow(1)]);
      await rig.sql("delete from api_keys");
      await rig.store.recordUsage([aRow(2)]);
      expect(groups(await report({ by: "key" }))).toEqual([[uuid(1), 2]]);
    });

    test("connections that write at the same time lose nothing", async () => {
      const other = await rig.open();
      const batches = Array.from({ length: 20 }, (_, batch) =>
        Array.from({ length: 10 }, (__, row) => aRow(batch * 10 + row)),
      );
      await Promise.all(
        batches.flatMap((rows, index) => [
          (index % 2 === 0 ? rig.store : other).recordUsage(rows),
          (index % 2 === 0 ? other : rig.store).insertKey(aKey(index)),
          rig.store.recordUsage(rows),
        ]),
      );
      expect(await report({})).toMatchObject([{ requests: 200 }]);
      expect(await other.listKeys({})).toHaveLength(20);
      await other.close();
    });
  });
}

/** A name of 254 characters that no index could compress. */
function long(seed: number): string {
  return Array.from({ length: 254 }, (_, at) =>
    String.fromCodePoint(0x4e00 + ((seed + at * at * 7919) % 20_000)),
  ).join("");
}

function groups(rows: readonly { readonly group: string; readonly requests: number }[]) {
  return rows.map((row): [string, number] => [row.group, row.requests]);
}

function labelOf({ apiKeyId, logicalModel }: KeyTotals): string {
  return apiKeyId + logicalModel;
}
