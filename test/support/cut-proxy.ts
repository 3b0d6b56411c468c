/** A wire to a server that a test can cut, or let go silent, and mend again. */
import { connect, createServer, type Server, type Socket } from "node:net";

export type CutProxy = {
  readonly port: number;
  /** Pieces that went to the server so far. */
  readonly sent: number;
  /** Breaks every connection and takes no new one. */
  cut(): Promise<void>;
  /** Lets nothing through any more, and tells nobody. */
  silence(): void;
  /** Takes new connections again, and lets them through; those that went silent stay so. */
  mend(): Promise<void>;
  close(): Promise<void>;
};

/** Stands on a free loopback port, before a port of this machine. */
export async function startCutProxy(target: number): Promise<CutProxy> {
  const sockets = new Set<Socket>();
  /** Connections of which nothing is heard. */
  const lost = new Set<Socket>();
  let silent = false;
  let sent = 0;
  let server: Server | undefined;

  const join = (from: Socket, to: Socket, count: boolean): void => {
    sockets.add(from);
    from.on("data", (bytes) => {
      if (silent) lost.add(from);
      if (lost.has(from)) return;
      if (count) sent += 1;
      to.write(bytes);
    });
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      if (!silent && !lost.has(from)) to.destroy();
    });
  };
  const listen = (port: number): Promise<number> =>
    new Promise((resolve, reject) => {
      const fresh = createServer((client) => {
        const upstream = connect(target, "127.0.0.1");
        join(client, upstream, true);
        join(upstream, client, false);
      });
      fresh.on("error", reject);
      fresh.listen(port, "127.0.0.1", () => {
        server = fresh;
        const address = fresh.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });
  const cut = async (): Promise<void> => {
    const closed = Promise.withResolvers<void>();
    if (server === undefined) closed.resolve();
    else server.close(() => closed.resolve());
    server = undefined;
    for (const socket of sockets) socket.destroy();
    await closed.promise;
  };

  const port = await listen(0);
  return {
    port,
    get sent() {
      return sent;
    },
    cut,
    silence() {
      silent = true;
      for (const socket of sockets) lost.add(socket);
    },
    async mend() {
      silent = false;
      if (server === undefined) await listen(port);
    },
    close: cut,
  };
}
