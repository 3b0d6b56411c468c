/** The body of a file that is fetched: bounded in size, counted in the room that all share, and looked at for its type. */
import { ChatError } from "../hub/error.ts";
import type { Share } from "./media-room.ts";
import { sniffType } from "./sniff.ts";

export type Media = { readonly data: Uint8Array; readonly mimeType: string };

export type DownloadLimits = {
  /** Whether addresses inside (loopback, private, link-local) may be asked too. */
  readonly allowPrivate: boolean;
  /** Whether http: will do, which anybody on the way can read and change. */
  readonly allowHttp: boolean;
  readonly maxBytes: number;
  /** For all files of one request together. */
  readonly maxTotalBytes: number;
  /** For all requests under way together; more must wait. */
  readonly maxHeldBytes: number;
  /** For all of it, redirects and the wait for room included. */
  readonly timeoutMs: number;
};

/** What the files of one request have come to, and where they are counted with those of others once there are any. */
export type Tally = { bytes: number; share?: Share };

/** Types that say nothing. */
const VAGUE = /^(?:$|application\/octet-stream|binary\/octet-stream)/;
/** Until then some other file may have gone. */
const NO_ROOM_RETRY_MS = 1_000;

/** The file in a good answer. Throws ChatError when it is too large, of no known type, or finds no room until the signal ends it. */
export async function readMedia(
  response: Response,
  url: URL,
  limits: DownloadLimits,
  tally: Tally,
  share: Share,
  signal: AbortSignal,
): Promise<Media> {
  const { maxBytes, maxTotalBytes, maxHeldBytes } = limits;
  if (response.status !== 200) {
    await response.body?.cancel();
    throw refusal(url, `answers with status ${response.status}`);
  }
  const tooLarge = (): ChatError =>
    refusal(url, `is larger than ${maxBytes} bytes (media.max_bytes)`);
  if (Number(response.headers.get("content-length")) > maxBytes) {
    await response.body?.cancel();
    throw tooLarge();
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  let taken = 0;
  try {
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      tally.bytes += chunk.byteLength;
      if (size > maxBytes) throw tooLarge();
      if (tally.bytes > maxTotalBytes) throw tooMany(url, maxTotalBytes);
      const room = share.take(chunk.byteLength, maxHeldBytes, signal);
      // Nothing more is read meanwhile, so that the sender waits too.
      if (room) await room.catch((thrown: unknown) => noRoom(thrown, url, limits));
      taken += chunk.byteLength;
      chunks.push(chunk);
    }
    return toMedia(Buffer.concat(chunks), response, url);
  } catch (thrown) {
    share.give(taken);
    throw thrown;
  }
}

function toMedia(data: Uint8Array, response: Response, url: URL): Media {
  const told =
    (response.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  // Servers name types wrongly, and providers look at the bytes.
  const mimeType = sniffType(data) ?? (VAGUE.test(told) ? undefined : told);
  if (mimeType === undefined) throw refusal(url, "is of no type that is known");
  return { data, mimeType };
}

function tooMany(url: URL, most: number): ChatError {
  return refusal(
    url,
    `and the request's other files are larger than ${most} bytes (media.max_total_bytes)`,
  );
}

function noRoom(reason: unknown, url: URL, { maxHeldBytes, timeoutMs }: DownloadLimits): never {
  if (!(reason instanceof DOMException && reason.name === "TimeoutError")) throw reason;
  throw new ChatError(
    "unavailable",
    `${url.origin}${url.pathname} finds no room within ${timeoutMs} ms: files for other requests fill ${maxHeldBytes} bytes (media.max_held_bytes)`,
    { origin: "gateway", code: "media_no_room", retryHere: false, retryAfterMs: NO_ROOM_RETRY_MS },
  );
}

/** Why a file was not fetched is the caller's affair; another target may fetch for itself. */
export const TRAITS = { param: "messages", code: "media_not_fetched", tryElsewhere: true } as const;

/** The URL without its query, which may hold a signature. */
export function refusal(url: URL, why: string, cause?: unknown): ChatError {
  return new ChatError("invalid-request", `${url.origin}${url.pathname} ${why}`, {
    ...TRAITS,
    cause,
  });
}
