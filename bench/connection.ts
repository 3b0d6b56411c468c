/**
 * A client that costs as little as it can: one keep-alive HTTP/1.1 connection, one request at a time. It knows only what the
 * bench's servers send: a content-length, or chunks.
 */

export type Answer = {
  readonly status: number;
  /** When the first event of the body arrived, by performance.now(). */
  readonly firstEventAt: number;
  /** Events of a stream. */
  readonly events: number;
  /** The last bytes, enough to see how a stream ended. */
  readonly tail: string;
};

export type Connection = {
  /** Sends a request and waits for the whole answer. Rejects when the connection breaks. */
  ask(request: Uint8Array): Promise<Answer>;
  close(): void;
};

/** The bytes of a chat request. */
export function requestBytes(port: number, key: string, body: string): Uint8Array {
  const bytes = new TextEncoder().encode(body);
  return Buffer.concat([
    Buffer.from(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${bytes.length}\r\n\r\n`,
    ),
    bytes,
  ]);
}

type Reading = {
  head: string;
  /** Bytes of the body still to come; undefined before the head is whole, infinite for chunks. */
  left: number | undefined;
  status: number;
  firstEventAt: number;
  events: number;
  tail: string;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
};

// What a chunked body ends with. JSON text holds no bare line feed, so it cannot stand inside an event.
const LAST_CHUNK = "\r\n0\r\n\r\n";
const TAIL = 64;

/** Opens a connection to a loopback port. */
export async function connect(port: number): Promise<Connection> {
  let reading: Reading | undefined;

  const finish = (done: Reading): void => {
    reading = undefined;
    const { status, firstEventAt, events, tail } = done;
    done.resolve({ status, firstEventAt, events, tail });
  };
  const take = (now: Reading, body: string): void => {
    if (now.firstEventAt === 0 && body.includes("data: ")) now.firstEventAt = performance.now();
    for (let at = body.indexOf("data: "); at >= 0; at = body.indexOf("data: ", at + 6)) {
      now.events += 1;
    }
    now.tail = (now.tail + body).slice(-TAIL);
    if (now.left === Number.POSITIVE_INFINITY) {
      if (now.tail.endsWith(LAST_CHUNK)) finish(now);
      return;
    }
    now.left = (now.left ?? 0) - body.length;
    if (now.left <= 0) finish(now);
  };

  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, bytes) {
        if (!reading) return;
        // One character a byte: lengths are right, and nobody reads the words.
        const text = bytes.toString("latin1");
        if (reading.left !== undefined) {
          take(reading, text);
          return;
        }
        reading.head += text;
        const end = reading.head.indexOf("\r\n\r\n");
        if (end < 0) return;
        const head = reading.head.slice(0, end);
        reading.status = Number(head.slice(9, 12));
        const length = /content-length: (\d+)/i.exec(head)?.[1];
        reading.left = length === undefined ? Number.POSITIVE_INFINITY : Number(length);
        take(reading, reading.head.slice(end + 4));
      },
      close() {
        reading?.reject(new Error("the connection was closed before the answer was whole"));
        reading = undefined;
      },
      error(_, error) {
        reading?.reject(error);
        reading = undefined;
      },
    },
  });

  return {
    ask(request) {
      return new Promise((resolve, reject) => {
        reading = {
          head: "",
          left: undefined,
          status: 0,
          firstEventAt: 0,
          events: 0,
          tail: "",
          resolve,
          reject,
        };
        socket.write(request);
      });
    },
    close() {
      socket.end();
    },
  };
}
