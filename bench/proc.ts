/** What Linux tells of processes and sockets. */
import { dlopen, FFIType, ptr } from "bun:ffi";
import { existsSync, readFileSync } from "node:fs";

/** `man 5 proc`, tcp states. */
const TIME_WAIT = "06";

const libc = dlopen("libc.so.6", {
  clock_gettime: { args: [FFIType.i32, FFIType.ptr], returns: FFIType.i32 },
});

/**
 * Processor time that a process has used so far, user and system, all its threads and those that have ended, in microseconds. By
 * its clock, which is exact; /proc tells it in hundredths of a second, several percent of a turn.
 */
export function cpuMicroseconds(pid: number): number {
  // What clock_getcpuclockid(3) makes of a process's number.
  const clock = (~pid << 3) | 2;
  const time = new BigInt64Array(2);
  if (libc.symbols.clock_gettime(clock, ptr(time)) !== 0) {
    throw new Error(`the processor time of process ${pid} cannot be read`);
  }
  const [seconds = 0n, nanoseconds = 0n] = time;
  return Number(seconds) * 1e6 + Number(nanoseconds) / 1e3;
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
