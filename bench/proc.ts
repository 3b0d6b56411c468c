/** What Linux tells of processes and sockets. */
import { existsSync, readFileSync } from "node:fs";

/** Clock ticks a second in /proc; the same on every Linux that Bun runs on. */
const TICKS_PER_SECOND = 100;
/** `man 5 proc`, tcp states. */
const TIME_WAIT = "06";

/** Processor time that a process has used so far, user and system, in microseconds; exact to 10 ms. */
export function cpuMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold spaces; utime and stime are the 12th and 13th fields behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6;
}

/** Memory of a process in megabytes: what it holds now, and the most it ever held. */
export function memoryMegabytes(pid: number): { readonly now: number; readonly most: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const read = (field: string): number =>
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
  return { now: read("VmRSS"), most: read("VmHWM") };
}

/** Sockets in TIME_WAIT that have one of these ports at either end. */
export function timeWaitSockets(ports: readonly number[]): number {
  const wanted = new Set(ports.map((port) => port.toString(16).toUpperCase().padStart(4, "0")));
  let count = 0;
  for (const file of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    if (!existsSync(file)) continue;
    for (const line of readFileSync(file, "utf8").split("\n").slice(1)) {
      const [, local = "", remote = "", state] = line.trim().split(/\s+/);
      if (state !== TIME_WAIT) continue;
      if (wanted.has(local.slice(-4)) || wanted.has(remote.slice(-4))) count += 1;
    }
  }
  return count;
}
