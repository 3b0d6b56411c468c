import { isJsonObject, type Json, type JsonObject } from "../hub/json.ts";
import { isJsonArray, textOf } from "./walk.ts";

/** What a provider's error says, in whatever shape it came. */
export type ErrorBody = {
  readonly message: string;
  readonly type?: string;
  /** A word for programs. Numbers, which repeat the status, are in `status`. */
  readonly code?: string;
  readonly param?: string;
  /** The HTTP status that the body names. */
  readonly status?: number;
  /** How long Google's RetryInfo asks us to wait, in milliseconds. */
  readonly waitMs?: number;
  /** OpenRouter's moderation flagged the input. */
  readonly isFlagged?: boolean;
  /** Whether it was an error in JSON, as an API answers, rather than some page. */
  readonly isJson: boolean;
};

function parse(text: string): Json | undefined {
  try {
    const value: Json = JSON.parse(text);
    return value;
  } catch {
    // Plain text and pages are answers too.
    return undefined;
  }
}

/** FastAPI (vLLM, Mistral) lists its findings: `[{loc, msg}]`. */
function findings(list: readonly Json[]): string {
  const said = list.map((entry) => {
    if (!isJsonObject(entry)) return typeof entry === "string" ? entry : JSON.stringify(entry);
    const place = isJsonArray(entry["loc"]) ? entry["loc"].map(String).join(".") : "";
    const what = textOf(entry["msg"]) ?? textOf(entry["message"]) ?? JSON.stringify(entry);
    return place === "" ? what : `${place}: ${what}`;
  });
  return said.join("; ");
}

function wording(value: Json | undefined): string | undefined {
  if (typeof value === "string") return textOf(value.trim());
  if (isJsonArray(value)) return value.length > 0 ? findings(value) : undefined;
  if (!isJsonObject(value)) return undefined;
  return wording(value["message"]) ?? wording(value["detail"]) ?? wording(value["error"]);
}

/** OpenRouter says "Provider returned error" and puts the provider's own words beside it, often as JSON text. */
function upstreamWording(metadata: JsonObject): string | undefined {
  const raw = metadata["raw"];
  const parsed = typeof raw === "string" ? parse(raw) : raw;
  const said = wording(parsed) ?? wording(raw);
  const provider = textOf(metadata["provider_name"]);
  if (said === undefined) return provider;
  return provider === undefined ? said : `${provider}: ${said}`;
}

function statusIn(value: Json | undefined): number | undefined {
  const code = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof code === "number" && Number.isInteger(code) && code >= 400 && code <= 599
    ? code
    : undefined;
}

/** `google.rpc.RetryInfo` among the details of an error, which also comes through Google's OpenAI-compatible endpoints. */
function retryInfo(details: Json | undefined): number | undefined {
  for (const detail of isJsonArray(details) ? details : []) {
    if (!isJsonObject(detail) || !textOf(detail["@type"])?.endsWith("google.rpc.RetryInfo"))
      continue;
    const seconds = /^(\d+(?:\.\d+)?)s$/.exec(textOf(detail["retryDelay"]) ?? "")?.[1];
    if (seconds !== undefined) return Math.ceil(Number(seconds) * 1000);
  }
  return undefined;
}

/** Reads an error that has been parsed: OpenAI's envelope, OpenRouter's, `{message}`, `{detail}`, Google's array around one. */
export function readError(value: Json): ErrorBody {
  const outer = isJsonArray(value) ? value[0] : value;
  if (!isJsonObject(outer)) return { message: wording(outer) ?? "", isJson: false };
  const error = isJsonObject(outer["error"]) ? outer["error"] : outer;
  const metadata = isJsonObject(error["metadata"]) ? error["metadata"] : {};
  const inner = isJsonObject(error["innererror"]) ? error["innererror"] : {};
  const said = wording(error) ?? "";
  const more = upstreamWording(metadata);
  const code = error["code"];
  const word =
    (typeof code === "string" && !/^\d+$/.test(code) ? textOf(code) : undefined) ??
    textOf(metadata["error_type"]) ??
    textOf(inner["code"]);
  const type = textOf(error["type"]);
  const param = textOf(error["param"]);
  const waitMs = retryInfo(error["details"]);
  const status = statusIn(code) ?? statusIn(error["status"]) ?? statusIn(outer["status"]);
  return {
    message: more === undefined || said.includes(more) ? said : `${said} (${more})`.trim(),
    ...(type === undefined ? {} : { type }),
    ...(word === undefined ? {} : { code: word }),
    ...(param === undefined ? {} : { param }),
    ...(status === undefined ? {} : { status }),
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(metadata["flagged_input"] === undefined && metadata["reasons"] === undefined
      ? {}
      : { isFlagged: true }),
    isJson: true,
  };
}

/** Reads the text of an error response, which need not be JSON at all. */
export function readErrorText(text: string): ErrorBody {
  const value = parse(text);
  if (value !== undefined) return readError(value);
  const title = /<title[^>]*>([^<]{1,200})/i.exec(text)?.[1]?.trim();
  const isPage = /^\s*<(?:!doctype|html|\?xml|head|body)/i.test(text);
  return { message: isPage ? (title ?? "an HTML page") : text.trim(), isJson: false };
}
