import { readFile } from "node:fs/promises";
import { digits } from "../_number.ts";
import { when } from "../_time.ts";
import type { Finding } from "./_finding.ts";

/** No build is older than this, so no right clock says less. */
const earliest = Date.UTC(2026, 0, 1);

/** Keys expire, limits renew and bills are dated by the clock. */
export function checkClock(now: number): Finding {
  if (now >= earliest) return { check: "clock", state: "ok", found: when(now) };
  return {
    check: "clock",
    state: "fail",
    found: `the clock says ${when(now)}`,
    todo: "set it (timedatectl set-ntp true): expiry, daily limits and bills depend on it",
  };
}

/** A stream holds two descriptors, its client's and its provider's; 1,000 streams and some idle connections need this many. */
const enough = 4096;

/** How many files and connections this process may hold open. */
export async function checkDescriptors(): Promise<Finding> {
  const limit = await descriptorLimit();
  if (limit === undefined)
    return { check: "files", state: "ok", found: "this system does not tell its limit" };
  const found = Number.isFinite(limit)
    ? `up to ${digits(limit)} open files`
    : "any number of open files";
  if (limit >= enough) return { check: "files", state: "ok", found };
  return {
    check: "files",
    state: "warn",
    found: `${found}, about ${digits(Math.max(0, Math.floor((limit - 64) / 2)))} streams at once`,
    todo: `raise it: ulimit -n ${enough * 16}, or LimitNOFILE= in the systemd unit`,
  };
}

async function descriptorLimit(): Promise<number | undefined> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const [, soft] = /^Max open files\s+(\S+)/m.exec(limits) ?? [];
  if (soft === undefined) return undefined;
  return soft === "unlimited" ? Infinity : Number(soft);
}
