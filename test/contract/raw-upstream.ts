/**
 * A provider on a real socket that a test writes byte by byte: it can answer, dawdle, fall silent, hang up or slam the door
 * at any moment, and tells when its caller has gone.
 */
import type { Socket } from "bun";

/** One request as it arrived. */
export type Seen = {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly text: string;
  /** Which connection it came by, from 1; those that bring no request are not counted. */
  readonly connection: number;
  /** Resolves when the caller has closed that connection. */
  readonly closed: Promise<void>;
};

/** The caller's end of the line. */
export type Line = {
  /** Bytes as they are. */
  write(bytes: string | Uint8Array): void;
  /** A chunk of a chunked body. */
  chunk(bytes: string | Uint8Array): void;
  /** Closes in good order, behind what was written. */
  end(): void;
  /** Closes at once. */
  reset(): void;
};

export type Script = (line: Line, seen: Seen) => void | Promise<void>;

export type RawUpstream = {
  /** The base URL to configure. */
  readonly url: string;
  readonly host: string;
  readonly seen: readonly Seen[];
  /** What requests get from now on. */
  script(script: Script): void;
  stop(): void;
};

type State = {
  connection: number;
  readonly closed: PromiseWithResolvers<void>;
  heard: Uint8Array;
  pending: Uint8Array;
  ending: boolean;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Starts one on a free loopback port. */
export function startRawUpstream(first: Script = () => undefined): RawUpstream {
  let current = first;
  let connections = 0;
  const seen: Seen[] = [];

  const listener = Bun.listen<State>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        socket.data = {
          connection: 0,
          closed: Promise.withResolvers<void>(),
          heard: new Uint8Array(),
          pending: new Uint8Array(),
          ending: false,
        };
      },
      data(socket, bytes) {
        if (socket.data.connection === 0) {
          connections += 1;
          socket.data.connection = connections;
        }
        socket.data.heard = join(socket.data.heard, bytes);
        for (let one = takeRequest(socket.data); one; one = takeRequest(socket.data)) {
          seen.push(one);
          void current(lineOf(socket), one);
        }
      },
      drain: flush,
      close(socket) {
        socket.data.closed.resolve();
      },
    },
  });
  return {
    url: `http://127.0.0.1:${listener.port}/v1`,
    host: `127.0.0.1:${listener.port}`,
    seen,
    script(script) {
      current = script;
    },
    stop() {
      listener.stop(true);
    },
  };
}

/** A whole response with a JSON body. */
export function jsonResponse(
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): string {
  return textResponse(JSON.stringify(body), status, {
    "content-type": "application/json",
    ...headers,
  });
}

/** A whole response. */
export function textResponse(
  text: string,
  status: number,
  headers: Readonly<Record<string, string>>,
): string {
  return `${head(status, { ...headers, "content-length": String(encoder.encode(text).length) })}${text}`;
}

/** The head of a chunked event stream. */
export const STREAM_HEAD = head(200, {
  "content-type": "text/event-stream; charset=utf-8",
  "transfer-encoding": "chunked",
});

/** The last chunk, which ends a chunked body well. */
export const LAST_CHUNK = "0\r\n\r\n";

/** Answers with a whole event stream. */
export function streamOf(text: string): Script {
  return (line) => {
    line.write(STREAM_HEAD);
    line.chunk(text);
    line.write(LAST_CHUNK);
  };
}

function head(status: number, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Status\r\n${lines.join("")}\r\n`;
}

function lineOf(socket: Socket<State>): Line {
  const write = (bytes: string | Uint8Array): void => {
    const more = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
    socket.data.pending = join(socket.data.pending, more);
    flush(socket);
  };
  return {
    write,
    chunk(bytes) {
      const body = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
      const size = encoder.encode(`${body.length.toString(16)}\r\n`);
      write(join(join(size, body), encoder.encode("\r\n")));
    },
    end() {
      socket.data.ending = true;
      flush(socket);
    },
    reset() {
      socket.terminate();
    },
  };
}

function flush(socket: Socket<State>): void {
  const state = socket.data;
  if (state.pending.length > 0) {
    state.pending = state.pending.subarray(Math.max(0, socket.write(state.pending)));
  }
  if (state.pending.length === 0 && state.ending) socket.end();
}

function takeRequest(state: State): Seen | undefined {
  const text = decoder.decode(state.heard);
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [first = "", ...lines] = text.slice(0, headEnd).split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const bodyStart = encoder.encode(text.slice(0, headEnd + 4)).length;
  const bodyEnd = bodyStart + Number(headers.get("content-length") ?? 0);
  if (state.heard.length < bodyEnd) return undefined;
  const body = state.heard.subarray(bodyStart, bodyEnd);
  state.heard = state.heard.subarray(bodyEnd);
  const [method = "", path = ""] = first.split(" ");
  return {
    method,
    path,
    headers,
    text: decoder.decode(body),
    connection: state.connection,
    closed: state.closed.promise,
  };
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
