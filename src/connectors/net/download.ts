/**
 * Fetches media that callers name by URL, for providers that take only bytes. The URL is a stranger's, so it leads nowhere inside:
 * names are resolved once, every address must be public, and the connection goes to just those addresses, which no second look
 * at DNS can change; redirects are followed by hand and checked alike; size, time and type are bounded.
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";

import { ChatError } from "../hub/error.ts";
import { isPublicAddress } from "./address.ts";
import {
  type DownloadLimits,
  type Media,
  readMedia,
  refusal,
  type Tally,
  TRAITS,
} from "./media-body.ts";
import { createMediaRoom, type MediaRoom } from "./media-room.ts";

/**
 * Throws ChatError `invalid-request`, which another target may not mind: it may fetch for itself. `unavailable` when there was no
 * room in memory until its time was over.
 */
export type Download = (url: string, signal: AbortSignal, tally: Tally) => Promise<Media>;

export type DownloaderOptions = {
  /** Asked at each download, so that they can change. */
  readonly limits: () => DownloadLimits;
  /** Shared by all that fetch; one of its own unless told. */
  readonly room?: MediaRoom;
  /** All addresses of a name; the system's resolver unless told. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  readonly fetch?: (url: string, init: BunFetchRequestInit) => Promise<Response>;
};

const MOST_REDIRECTS = 5;
/** Addresses of one name that are tried, one after the other. */
const MOST_ADDRESSES = 3;

/** Downloads from the public internet only, unless its limits say otherwise; redirects are held to them as well. */
export function createDownloader(options: DownloaderOptions): Download {
  const resolve = options.resolve ?? resolveAll;
  const send = options.fetch ?? fetch;
  const room = options.room ?? createMediaRoom();

  const connect = (address: string, url: URL, signal: AbortSignal): Promise<Response> => {
    const direct = new URL(url);
    direct.hostname = isIP(address) === 6 ? `[${address}]` : address;
    return send(direct.href, {
      // Not compressed, so that what comes is as large as it says.
      headers: {
        host: url.host,
        accept: "*/*",
        "accept-encoding": "identity",
        "user-agent": "xjp",
      },
      redirect: "manual",
      keepalive: false,
      signal,
      // The certificate must be the name's, not the address's.
      ...(url.protocol === "https:" && !isIP(nameOf(url))
        ? { tls: { serverName: url.hostname } }
        : {}),
    });
  };

  /** One hop: to addresses that were looked at, under the name that was asked for. */
  const ask = async (url: URL, limits: DownloadLimits, signal: AbortSignal): Promise<Response> => {
    const addresses = await orAborted(addressesOf(url, limits, resolve), signal);
    let failure: unknown;
    for (const address of addresses.slice(0, MOST_ADDRESSES)) {
      try {
        return await connect(address, url, signal);
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        failure = thrown;
      }
    }
    throw failure;
  };

  return async (text, signal, tally) => {
    const limits = options.limits();
    const patience = AbortSignal.timeout(limits.timeoutMs);
    const either = AbortSignal.any([signal, patience]);
    try {
      let url = parse(text, limits);
      for (let hops = 0; ; hops += 1) {
        const response = await ask(url, limits, either);
        const next = redirectOf(response, url, limits);
        if (!next) {
          tally.share ??= room.enter();
          return await readMedia(response, url, limits, tally, tally.share, either);
        }
        await response.body?.cancel();
        if (hops >= MOST_REDIRECTS)
          throw refusal(url, `redirects more than ${MOST_REDIRECTS} times`);
        url = next;
      }
    } catch (thrown) {
      if (thrown instanceof ChatError) throw thrown;
      if (signal.aborted) throw thrown;
      const why = patience.aborted
        ? `takes longer than ${limits.timeoutMs} ms (media.timeout_ms)`
        : "cannot be fetched";
      throw refusal(parse(text, limits), why, thrown);
    }
  };
}

/** Resolvers cannot be told to stop; nobody need wait for them. */
function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

async function resolveAll(name: string): Promise<readonly string[]> {
  // Hosts without a way to IPv6 are many, and those without one to IPv4 few.
  const found = await lookup(name, { all: true, order: "ipv4first" });
  return found.map(({ address }) => address);
}

function parse(text: string, { allowHttp }: DownloadLimits): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new ChatError(
      "invalid-request",
      `media is fetched from https URLs only, not from ${text.slice(0, 80)}`,
      { ...TRAITS },
    );
  }
  if (url.protocol === "http:" && !allowHttp) {
    throw refusal(url, "is not https (media.allow_http)");
  }
  if (url.username !== "" || url.password !== "") {
    throw refusal(url, "holds a login, which is not sent");
  }
  return url;
}

/** The name or the address in a URL, without the brackets of IPv6. */
function nameOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** The addresses to connect to. If only one of a name's addresses lies inside, the name is not to be trusted. */
async function addressesOf(
  url: URL,
  { allowPrivate }: DownloadLimits,
  resolve: (name: string) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const name = nameOf(url);
  const addresses = isIP(name) ? [name] : await resolve(name).catch(() => []);
  if (addresses.length === 0) throw refusal(url, "has a name that cannot be resolved");
  if (!allowPrivate && !addresses.every(isPublicAddress)) {
    throw refusal(url, "does not lead to the public internet (media.allow_private)");
  }
  return addresses;
}

function redirectOf(response: Response, url: URL, limits: DownloadLimits): URL | undefined {
  const location = response.headers.get("location");
  if (response.status < 300 || response.status >= 400 || location === null) return undefined;
  if (!URL.canParse(location, url.href)) throw refusal(url, "redirects to no URL");
  return parse(new URL(location, url).href, limits);
}
