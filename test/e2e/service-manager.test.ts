/** What systemd is told, by the built binary. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type Gateway, startGateway } from "../support/gateway.ts";
import { type NotifySocket, openNotifySocket } from "../support/notify-socket.ts";
import { waitFor, within } from "../support/wait-for.ts";

let directory: string;
let socket: NotifySocket;
let gateway: Gateway;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "xjp-notify-"));
  const path = join(directory, "notify");
  socket = openNotifySocket(path);
  gateway = await startGateway({
    flags: ["--demo"],
    env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "100000" },
  });
});

afterAll(async () => {
  await gateway.stop();
  socket.close();
  rmSync(directory, { recursive: true, force: true });
});

const heard = (word: string): Promise<string> =>
  waitFor(word, () => socket.heard().find((message) => message.split("\n").includes(word)));

test("it is ready once it listens, and alive at half the watchdog's interval", async () => {
  await heard("READY=1");
  await waitFor(
    "two signs of life",
    () => socket.heard().filter((message) => message === "WATCHDOG=1").length >= 2,
  );
});

test("a reload says when it began, on the clock that systemd compares with, and when it is over", async () => {
  gateway.signal("SIGHUP");
  const message = await heard("RELOADING=1");
  const microseconds = Number(/^MONOTONIC_USEC=(\d+)$/m.exec(message)?.[1]);
  const uptime = Number((await Bun.file("/proc/uptime").text()).split(" ")[0]) * 1e6;
  expect(Math.abs(uptime - microseconds)).toBeLessThan(60e6);
  await waitFor("ready again", () => {
    const all = socket.heard();
    return all.lastIndexOf(message) < all.findLastIndex((each) => each.startsWith("READY=1"));
  });
});

test("the end is told when it begins", async () => {
  gateway.signal("SIGTERM");
  await heard("STOPPING=1");
  expect(await within("the end", gateway.exited)).toBe(0);
});
