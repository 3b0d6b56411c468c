/** The other end of sd_notify(3): a datagram socket of the Unix kind, by way of libc since Bun has none. */
import { dlopen, ptr } from "bun:ffi";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;

export type NotifySocket = {
  /** All that has arrived, a datagram each. */
  heard(): readonly string[];
  close(): void;
};

/** Binds a socket at `path`, which must not exist. */
export function openNotifySocket(path: string): NotifySocket {
  const libc = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  }).symbols;
  const bytes = new TextEncoder().encode(path);
  const address = new Uint8Array(2 + bytes.byteLength + 1);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(bytes, 2);
  const socket = libc.socket(AF_UNIX, SOCK_DGRAM, 0);
  if (libc.bind(socket, ptr(address), address.byteLength) !== 0) {
    throw new Error(`cannot bind ${path}`);
  }
  const messages: string[] = [];
  const buffer = new Uint8Array(4096);
  return {
    heard() {
      for (;;) {
        const size = Number(libc.recv(socket, ptr(buffer), buffer.byteLength, MSG_DONTWAIT));
        if (size <= 0) return messages;
        messages.push(new TextDecoder().decode(buffer.subarray(0, size)));
      }
    },
    close() {
      libc.close(socket);
    },
  };
}
