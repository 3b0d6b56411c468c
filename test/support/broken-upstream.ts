/** A provider whose connections break: it sends bytes of the test's choosing and hangs up when told to. */

export type BrokenUpstream = {
  /** The base URL to configure. */
  readonly url: string;
  /** How many connections it has taken. */
  readonly connections: () => number;
  /** Breaks every connection that has been answered. */
  hangUp(): void;
  stop(): void;
};

/** Starts one that answers each request with exactly these bytes; with none, it hangs up at once. */
export function startBrokenUpstream(bytes: string): BrokenUpstream {
  let connections = 0;
  const answered = new Set<{ end(): unknown }>();
  const listener = Bun.listen<{ heard: string }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        connections += 1;
        socket.data = { heard: "" };
      },
      data(socket, chunk) {
        socket.data.heard += chunk.toString("latin1");
        if (!isWhole(socket.data.heard)) return;
        socket.data.heard = "";
        if (bytes === "") {
          socket.end();
          return;
        }
        socket.write(bytes);
        answered.add(socket);
      },
    },
  });
  return {
    url: `http://127.0.0.1:${listener.port}/v1`,
    connections: () => connections,
    hangUp() {
      for (const socket of answered) socket.end();
      answered.clear();
    },
    stop() {
      listener.stop(true);
    },
  };
}

/** The head of a chunked event stream followed by one chunk, without the last chunk that would end it. */
export function unfinishedStream(text: string): string {
  const size = new TextEncoder().encode(text).length.toString(16);
  return `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n${size}\r\n${text}\r\n`;
}

function isWhole(heard: string): boolean {
  const end = heard.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /content-length: (\d+)/i.exec(heard.slice(0, end))?.[1];
  return heard.length - end - 4 >= Number(length ?? 0);
}
