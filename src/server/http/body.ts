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
 * encodings other than none and for JSON that nests too deep.
 */
export async function readBody(request: Request, limits: BodyLimits): Promise<string> {
  const text = await readText(request, limits.maxBodyBytes);
  limits.onArrived(request);
  if (isDeeperThan(text, limits.maxDepth)) {
    throw new ChatError(
      "invalid-request",
      `the body nests arrays and objects more than ${limits.maxDepth} deep (limits.max_depth)`,
      { code: "nested_too_deep" },
    );
  }
  return text;
}

function readText(request: Request, most: number): Promise<string> | string {
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding !== "identity") {
    throw new ChatError("invalid-request", `the body is encoded as ${encoding}; send it as it is`, {
      status: 415,
    });
  }
  const declared = request.headers.get("content-length");
  if (declared !== null) {
    if (Number(declared) > most) throw tooLarge(Number(declared), most);
    return request.text();
  }
  return request.body ? readPieces(request.body, most) : "";
}

async function readPieces(body: AsyncIterable<Uint8Array>, most: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > most) throw tooLarge(size, most);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function tooLarge(size: number, most: number): ChatError {
  return new ChatError(
    "too-large",
    `the body has ${size} bytes or more; this gateway takes at most ${most} (limits.max_body_bytes)`,
    { code: "request_too_large" },
  );
}
