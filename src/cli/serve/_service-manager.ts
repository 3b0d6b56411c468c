/**
 * Tells systemd how the service is, by the protocol of sd_notify(3): datagrams to the socket that NOTIFY_SOCKET names. Bun has
 * no datagram sockets of the Unix kind, so libc is called; nothing of it is loaded where there is no such socket.
 */
import { dlopen, ptr } from "bun:ffi";
import type { ServerState } from "../../server/serve.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const CLOCK_MONOTONIC = 1;
/** glibc on most systems, musl on Alpine. */
const LIBRARIES = [
  "libc.so.6",
  `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`,
];

export type ServiceManager = {
  tell(state: ServerState): void;
  close(): void;
};

const NOBODY: ServiceManager = { tell() {}, close() {} };

/**
 * Answers WATCHDOG_USEC with a sign of life at half that interval, from the event loop: a process that hangs sends none. Without
 * NOTIFY_SOCKET, or where libc cannot be reached, does nothing.
 */
export function createServiceManager(
  env: Readonly<Record<string, string | undefined>>,
): ServiceManager {
  const path = env["NOTIFY_SOCKET"];
  if (path === undefined || process.platform !== "linux") return NOBODY;
  const libc = openLibc();
  const address = toAddress(path);
  if (!libc || !address) return NOBODY;
  const socket = libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (socket < 0) return NOBODY;

  const send = (...lines: readonly string[]): void => {
    const message = new TextEncoder().encode(lines.join("\n"));
    libc.sendto(socket, ptr(message), message.byteLength, 0, ptr(address), address.byteLength);
  };
  const watchdogMs = Number(env["WATCHDOG_USEC"]) / 1000;
  const timer = watchdogMs > 0 ? setInterval(() => send("WATCHDOG=1"), watchdogMs / 2) : undefined;
  timer?.unref();

  return {
    tell(state) {
      switch (state) {
        case "ready":
          return send("READY=1", "STATUS=serving");
        case "reloading": {
          const time = new BigInt64Array(2);
          libc.clock_gettime(CLOCK_MONOTONIC, ptr(time));
          const [seconds = 0n, nanoseconds = 0n] = time;
          const microseconds = seconds * 1_000_000n + nanoseconds / 1000n;
          return send(
            "RELOADING=1",
            `MONOTONIC_USEC=${microseconds}`,
            "STATUS=reading the configuration",
          );
        }
        case "stopping":
          return send("STOPPING=1", "STATUS=letting answers finish");
      }
    },
    close() {
      clearInterval(timer);
      libc.close(socket);
    },
  };
}

/** A sockaddr_un; a path that begins with @ is in the abstract namespace. Undefined if it is too long or no address. */
function toAddress(path: string): Uint8Array | undefined {
  const bytes = new TextEncoder().encode(path);
  if (bytes.byteLength < 2 || bytes.byteLength > 107 || !/^[/@]/.test(path)) return undefined;
  const address = new Uint8Array(2 + bytes.byteLength);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(bytes, 2);
  if (path.startsWith("@")) address[2] = 0;
  return address;
}

function openLibc() {
  for (const name of LIBRARIES) {
    try {
      return dlopen(name, {
        socket: { args: ["i32", "i32", "i32"], returns: "i32" },
        sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
        close: { args: ["i32"], returns: "i32" },
        clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
      }).symbols;
    } catch {
      // The other one, then.
    }
  }
  return undefined;
}
