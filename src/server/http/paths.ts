import { nearest } from "../config/nearest.ts";

/** The path of a request's URL, without its query. Where no Host was sent, which HTTP/1.0 may leave out, it begins the URL. */
export function pathOf(url: string): string {
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
  const query = url.indexOf("?", start);
  return query === -1 ? url.slice(start) : url.slice(start, query);
}

/** The same request with a whole URL, for whoever cannot do without. */
export function withHost(request: Request): Request {
  return request.url.startsWith("/")
    ? new Request(`http://localhost${request.url}`, request)
    : request;
}

/** What stands in a path as `%C3%BC`; as it is where that is the writing of no text. */
export function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The only paths that need no key. Whatever is not listed here is closed. */
export const OPEN_PATHS: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);

const GET_PATHS = [...OPEN_PATHS, "/v1/models"];

/** Those that are posted to. */
type Doors = ReadonlyMap<string, unknown>;

/** The methods that a path takes, as `Allow` has them; undefined for one that nothing answers. */
export function methodsOf(path: string, doors: Doors): string | undefined {
  if (doors.has(path)) return "POST";
  return GET_PATHS.includes(path) || path.startsWith("/v1/models/") ? "GET, HEAD" : undefined;
}

/** Says that nothing answers there, with the path that was most likely meant. */
export function nothingAnswers(method: string, path: string, doors: Doors): string {
  const meant = nearest(path, [...doors.keys(), ...GET_PATHS]);
  return `nothing answers ${method} ${path}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}
