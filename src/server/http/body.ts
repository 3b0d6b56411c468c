import { isUtf8 } from "node:buffer";

import { ChatError } from "../../connectors/hub/error.ts";
import { isDeeperThan } from "../../connectors/hub/json-scan.ts";

export type BodyLimits = {
  readonly maxBodyBytes: number;
  /** How deep arrays and objects may nest. Looked at before anything parses the text, whose recursion could run out of stack. */
  readonly maxDepth: number;
  /** Called when all of it has arrived: until then a connection that dawdles is closed, from then on the client waits for us. */
  readonly onArrived: (request: Request) => void;
};

/**
 * The request's body as text. Throws ChatError `too-large` before reading more than allowed, and `invalid-request` for
 * encodings other than none, for bytes that are no UTF-8 and for JSON that nests too deep.
 */
export async function readBody(request: Request, limits: BodyLimits): Promise<string> {
  const body = await receive(request, limits.maxBodyBytes);
  limits.onArrived(request);
  const text = await body.text();
  // Hardly any text holds it; only then are the bytes looked at.
  const isDoubtful =
    text.includes(REPLACEMENT) || (body.size > 2 * text.length && (await isUtf16(body)));
  if (isDoubtful) await assertUtf8(text, body);
  if (isDeeperThan(text, limits.maxDepth)) {
    throw new ChatError(
      "invalid-request",
      `the body nests arrays and objects more than ${limits.maxDepth} deep (limits.max_depth)`,
      { code: "nested_too_deep" },
    );
  }
  return text;
}

/** All of it. A blob, since that costs what text does, and the bytes are still there if somebody must look at them. */
function receive(request: Request, most: number): Promise<Blob> | Blob {
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") {
    throw new ChatError("invalid-request", `the body is encoded as ${encoding}; send it as it is`, {
      status: 415,
    });
  }
  const declared = request.headers.get("content-length");
  if (declared !== null) {
    if (Number(declared) > most) throw tooLarge(Number(declared), most);
    return request.blob();
  }
  return request.body ? receivePieces(request.body, most) : new Blob();
}

async function receivePieces(
  body: AsyncIterable<Uint8Array<ArrayBuffer>>,
  most: number,
): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.byteLength;
    if (size > most) throw tooLarge(size, most);
    pieces.push(piece);
  }
  return new Blob(pieces);
}

/** A blob that begins with the mark of UTF-16 is read as that (seen with Bun 1.4.5), two bytes for each unit of the text. */
async function isUtf16(body: Blob): Promise<boolean> {
  const [first, second] = await body.slice(0, 2).bytes();
  return first === 0xff && second === 0xfe;
}

/** What stands in a text for bytes that are no character, if it is not one that the client has written itself. */
const REPLACEMENT = "\ufffd";

async function assertUtf8(text: string, body: Blob): Promise<void> {
  const bytes = await body.bytes();
  if (isUtf8(bytes)) return;
  const offset = firstFault(text, bytes);
  const found = (bytes[offset] ?? 0).toString(16).padStart(2, "0");
  throw new ChatError(
    "invalid-request",
    `the body is not UTF-8: byte ${offset} (0x${found}) is no part of a whole character; send JSON encoded as UTF-8`,
    { code: "invalid_utf8" },
  );
}

/** Where in the bytes the first replacement character stands that the client has not written. */
function firstFault(text: string, bytes: Uint8Array): number {
  // A mark of the byte order is no part of the text.
  let offset = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  let from = 0;
  for (let at = text.indexOf(REPLACEMENT); at >= 0; at = text.indexOf(REPLACEMENT, from)) {
    offset += Buffer.byteLength(text.slice(from, at));
    const isOwn =
      bytes[offset] === 0xef && bytes[offset + 1] === 0xbf && bytes[offset + 2] === 0xbd;
    if (!isOwn) break;
    offset += 3;
    from = at + 1;
  }
  return offset;
}

function tooLarge(size: number, most: number): ChatError {
  return new ChatError(
    "too-large",
    `the body has ${size} bytes or more; this gateway takes at most ${most} (limits.max_body_bytes)`,
    { code: "request_too_large" },
  );
}
