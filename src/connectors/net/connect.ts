import { connect as openSocket } from "node:net";

/** A host that answered within this time is taken to be reachable. */
const ALIVE_MS = 10_000;

/** Opens a TCP connection and closes it; resolves once it stood or was refused. Returns how to give up. */
export type TryConnect = (host: string, port: number, settled: (stood: boolean) => void) => Cancel;

export type Cancel = () => void;

/**
 * Fetch does not tell when it has connected, so a host that swallows packets would look like a slow one. Beside the first
 * request to an origin that has not answered lately, this opens a TCP connection of its own to it, one for all who wait,
 * and a request whose connect timer runs out before that connection stands is told so. Nothing is added to the way of the
 * request itself, and a host that is known to be alive costs one look into a map.
 */
export type ConnectWitness = {
  /** Calls `late` if no connection stands within `milliseconds`. Returns how to stop waiting, if there is anything to wait for. */
  watch(origin: string, milliseconds: number, late: () => void): Cancel | undefined;
  /** The origin has just answered. */
  alive(origin: string): void;
  /** The origin could not be reached, whatever it did before. */
  lost(origin: string): void;
};

type Attempt = { readonly waiting: Set<Cancel>; cancel: Cancel; settled: boolean };

/** `now` is in milliseconds from any fixed point. */
export function createConnectWitness(
  tryConnect: TryConnect = tryTcp,
  now: () => number = () => performance.now(),
): ConnectWitness {
  const reached = new Map<string, number>();
  const attempts = new Map<string, Attempt>();

  const begin = (origin: string): Attempt => {
    const attempt: Attempt = { waiting: new Set(), cancel: () => undefined, settled: false };
    attempts.set(origin, attempt);
    const url = new URL(origin);
    const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
    attempt.cancel = tryConnect(url.hostname.replace(/^\[|\]$/g, ""), port, (stood) => {
      attempt.settled = true;
      if (attempts.get(origin) === attempt) attempts.delete(origin);
      if (stood) reached.set(origin, now());
      for (const leave of attempt.waiting) leave();
    });
    return attempt;
  };

  return {
    watch(origin, milliseconds, late) {
      if (!(milliseconds > 0)) return undefined;
      const at = reached.get(origin);
      if (at !== undefined && now() - at < ALIVE_MS) return undefined;
      const attempt = attempts.get(origin) ?? begin(origin);
      if (attempt.settled) return undefined;
      const leave = (): void => {
        clearTimeout(timer);
        attempt.waiting.delete(leave);
        if (attempt.settled || attempt.waiting.size > 0) return;
        attempts.delete(origin);
        attempt.cancel();
      };
      const timer = setTimeout(() => {
        leave();
        late();
      }, milliseconds);
      attempt.waiting.add(leave);
      return leave;
    },
    alive(origin) {
      reached.set(origin, now());
    },
    lost(origin) {
      reached.delete(origin);
    },
  };
}

/** Whether Bun's fetch goes through a proxy, so that a direct connection would prove nothing. */
export function isProxied(env: Readonly<Record<string, string | undefined>>): boolean {
  return ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].some((name) =>
    Boolean(env[name] ?? env[name.toLowerCase()]),
  );
}

const tryTcp: TryConnect = (host, port, settled) => {
  const socket = openSocket({ host, port });
  socket.on("connect", () => {
    socket.destroy();
    settled(true);
  });
  // Refused or unknown: fetch finds the same out, and says it better.
  socket.on("error", () => {
    socket.destroy();
    settled(false);
  });
  return () => {
    socket.destroy();
  };
};
