import { describe, expect, test } from "bun:test";

import { createConnectWitness, isProxied } from "../../../src/connectors/net/connect.ts";
import { startRawUpstream } from "../../contract/raw-upstream.ts";
import { waitFor } from "../../support/wait-for.ts";

type Try = { readonly host: string; readonly port: number; settle(stood: boolean): void };

/** A witness whose connections a test settles, at a time that a test sets. */
function staged(): {
  readonly witness: ReturnType<typeof createConnectWitness>;
  readonly tries: Try[];
  readonly cancelled: () => number;
  readonly at: (milliseconds: number) => void;
} {
  const tries: Try[] = [];
  let cancelled = 0;
  let now = 0;
  const witness = createConnectWitness(
    (host, port, settled) => {
      tries.push({ host, port, settle: settled });
      return () => {
        cancelled += 1;
      };
    },
    () => now,
  );
  return {
    witness,
    tries,
    cancelled: () => cancelled,
    at(milliseconds) {
      now = milliseconds;
    },
  };
}

const HOST = "https://host.example";

describe("a connect witness", () => {
  test("says so when no connection stands in time", async () => {
    const { witness, cancelled } = staged();
    await new Promise<void>((resolve) => {
      witness.watch(HOST, 20, resolve);
    });
    expect(cancelled()).toBe(1);
  });

  test("is silent when one stands or is refused", async () => {
    for (const stood of [true, false]) {
      const { witness, tries } = staged();
      let late = 0;
      witness.watch(HOST, 20, () => {
        late += 1;
      });
      tries[0]?.settle(stood);
      const other = staged();
      await new Promise<void>((resolve) => {
        other.witness.watch(HOST, 60, resolve);
      });
      expect(late).toBe(0);
    }
  });

  test("opens one connection for all who wait at the same time", () => {
    const { witness, tries, cancelled } = staged();
    const cancels = Array.from({ length: 5 }, () => witness.watch(HOST, 1000, () => undefined));
    expect(tries.map(({ host, port }) => [host, port])).toEqual([["host.example", 443]]);
    for (const cancel of cancels.slice(1)) cancel?.();
    expect(cancelled()).toBe(0);
    cancels[0]?.();
    expect(cancelled()).toBe(1);
  });

  test("opens none to a host that answered lately, and one again later or when it was lost", () => {
    const { witness, tries, at } = staged();
    const watch = (): void => witness.watch(HOST, 1000, () => undefined)?.();
    witness.alive(HOST);
    at(9_999);
    watch();
    expect(tries.length).toBe(0);
    at(10_000);
    watch();
    expect(tries.length).toBe(1);
    witness.alive(HOST);
    witness.lost(HOST);
    watch();
    expect(tries.length).toBe(2);
  });

  test("knows the ports that URLs leave out, and takes brackets off addresses", () => {
    const { witness, tries } = staged();
    for (const url of ["http://a.example", "http://[::1]:8080"]) {
      witness.watch(url, 1000, () => undefined)?.();
    }
    expect(tries.map(({ host, port }) => [host, port])).toEqual([
      ["a.example", 80],
      ["::1", 8080],
    ]);
  });

  test("opens and closes a real connection", async () => {
    const upstream = startRawUpstream();
    try {
      const witness = createConnectWitness();
      const url = new URL(upstream.url).origin;
      witness.watch(url, 5000, () => undefined);
      await waitFor("the host to be known as alive", () =>
        witness.watch(url, 5000, () => undefined) === undefined ? true : undefined,
      );
    } finally {
      upstream.stop();
    }
  });
});

test("a proxy in the environment is noticed in either spelling", () => {
  expect(isProxied({})).toBe(false);
  expect(isProxied({ HTTPS_PROXY: "" })).toBe(false);
  expect(isProxied({ HTTPS_PROXY: "http://proxy:1" })).toBe(true);
  expect(isProxied({ all_proxy: "http://proxy:1" })).toBe(true);
});
