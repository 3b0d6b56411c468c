/** A connection to a Redis or Valkey server that may go away and come back. The only place that opens one. */
import { createHash } from "node:crypto";

export type RedisConnection = {
  /** Sends a command. Rejects at once while there is no connection; the next call of `connect` tries again. */
  send(command: string, words: readonly string[]): Promise<unknown>;
  /** Runs a script by its digest, and sends its text where the server does not know it. */
  run(script: RedisScript, keys: readonly string[], words: readonly string[]): Promise<unknown>;
  /** Connects if it is not connected. Rejects when the server cannot be reached or refuses the login. */
  connect(): Promise<void>;
  /** Gives up a connection on which nothing is heard any more; whoever waits on it is told. The next `connect` makes another. */
  abandon(): void;
  /** The address without a login, for messages. */
  readonly place: string;
  close(): void;
};

export type RedisScript = { readonly text: string; readonly digest: string };

/** A script in Lua, to be run by `run`. */
export function defineScript(text: string): RedisScript {
  // Redis names scripts by their SHA-1.
  return { text, digest: createHash("sha1").update(text).digest("hex") };
}

const CONNECT_MS = 1000;

/** Prepares it; connects with `connect`. `url` is `redis://`, `rediss://`, `valkey://` or `valkeys://`. */
export function openRedis(url: string): RedisConnection {
  const place = redisPlace(url);
  const options = {
    autoReconnect: false,
    enableOfflineQueue: false,
    connectionTimeout: CONNECT_MS,
  };
  let client = new Bun.RedisClient(url, options);
  let connecting: Promise<void> | undefined;
  let closed = false;
  const send = async (command: string, words: readonly string[]): Promise<unknown> => {
    const answer: unknown = await client.send(command, [...words]);
    return answer;
  };
  return {
    place,
    send,
    async run({ text, digest }, keys, words) {
      const rest = [String(keys.length), ...keys, ...words];
      try {
        return await send("EVALSHA", [digest, ...rest]);
      } catch (thrown) {
        if (!(thrown instanceof Error) || !thrown.message.startsWith("NOSCRIPT")) throw thrown;
        return await send("EVAL", [text, ...rest]);
      }
    },
    async connect() {
      if (closed) throw new Error(`redis ${place}: the connection is closed`);
      if (client.connected) return;
      connecting ??= client.connect().finally(() => {
        connecting = undefined;
      });
      await connecting;
    },
    abandon() {
      const dead = client;
      client = new Bun.RedisClient(url, options);
      dead.close();
    },
    close() {
      closed = true;
      client.close();
    },
  };
}

/** Host, port and database of an address. */
function redisPlace(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || "6379"}${pathname === "/" ? "" : pathname}`;
}
