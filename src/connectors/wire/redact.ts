/** No longer than this does a provider's message reach a client. */
const MOST_CHARACTERS = 2000;

/** Things that look like credentials: bearer tokens, the common prefixes of keys, and whatever follows a field named for one. */
const SECRETS =
  /\b(?:bearer|basic)\s+[\w.~+/=*-]{6,}|\b(?:sk|pk|rk|gsk|xai|csk|fw|nvapi|hf|r8|AIza|ya29|ghp|XJP)[-_.]?[\w*-]{12,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|\b(?:api[-_ ]?key|token|secret|password)["']?\s*[:=]\s*["']?[^\s"',;]{6,}/gi;

/** In `sk-ab***cd` the stars already hide something, but what they leave is still part of a key. */
const MASKED = /\b[\w-]{1,12}\*{3,}[\w-]{0,8}/g;

const URLS = /\b[a-z][a-z\d+.-]*:\/\/[^\s"'<>)\]}]+/gi;

const PRIVATE_HOST =
  /^(?:localhost|127\.|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|0\.0\.0\.0|\[)|\.(?:internal|local|localdomain|lan|svc|cluster\.local|corp|home|intranet)$/i;

/** Public documentation may be named; the inside of a network, or a login within a URL, may not. */
function hideUrl(url: string): string {
  const authority = url.slice(url.indexOf("://") + 3).split(/[/?#]/)[0] ?? "";
  const host = authority.startsWith("[") ? authority : (authority.split(":")[0] ?? "");
  const isInside = PRIVATE_HOST.test(host) || !host.includes(".") || authority.includes("@");
  return isInside ? "[url]" : url;
}

/** A provider's words without credentials and internal addresses, at most 2,000 characters of them. */
export function redact(text: string): string {
  // Cut before searching, so that a provider's megabyte costs nothing; a little more, lest a secret be cut in two and missed.
  const shown = text
    .slice(0, MOST_CHARACTERS * 2)
    .replace(URLS, hideUrl)
    .replace(SECRETS, "[redacted]")
    .replace(MASKED, "[redacted]")
    .trim();
  return shown.length > MOST_CHARACTERS ? `${shown.slice(0, MOST_CHARACTERS - 1)}…` : shown;
}
