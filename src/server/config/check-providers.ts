import { profileNames } from "../../connectors/profiles.ts";
import type { PathFault } from "./faults.ts";
import { knownProvider, knownProviders } from "./known-providers.ts";
import { nearest } from "./nearest.ts";
import { child, isTable, type Path, showPath } from "./path.ts";
import { quoted } from "./wording.ts";

type Table = Readonly<Record<string, unknown>>;

/** Providers that cannot be what their tables say. The argument is as the file has it. */
export function checkProviders(providers: unknown): readonly PathFault[] {
  if (!isTable(providers)) return [];
  const seen = new Map<string, Path>();
  return Object.entries(providers).flatMap(([name, table]) => {
    const path = ["providers", name];
    const twin = seen.get(name.toLowerCase());
    seen.set(name.toLowerCase(), path);
    if (twin) {
      const problem = `the same name as ${showPath(twin)}, since upper and lower case do not count`;
      return [{ path, problem }];
    }
    if (!/^[a-z0-9][a-z0-9._-]*$/i.test(name)) {
      return [{ path, problem: "not a usable name, expected letters, digits, dots, - and _" }];
    }
    if (!isTable(table)) return [];
    return [
      checkKind(name.toLowerCase(), table, path),
      checkProfile(table, path),
      checkBaseUrl(table["base_url"], [...path, "base_url"]),
      checkKeys(table, path),
      checkGoogle(name.toLowerCase(), table, path),
      checkHeaders(table["headers"], [...path, "headers"]),
    ].flat();
  });
}

function checkKind(name: string, table: Table, path: Path): readonly PathFault[] {
  const known = knownProvider(name);
  const { kind, profile, base_url: baseUrl } = table;
  if (name === "demo" && (kind !== undefined || profile !== undefined) && kind !== "demo") {
    return [{ path, problem: "the name of the built-in provider, expected another one" }];
  }
  if (kind === undefined && profile === undefined && !known) {
    const close = nearest(
      name,
      knownProviders.map((each) => each.name),
    );
    const hint = close === undefined ? "" : `; did you mean [providers.${close}]?`;
    const problem = `missing, because ${quoted(name)} is no host known here, expected for instance "openai-compatible"${hint}`;
    return [{ path: [...path, "kind"], problem }];
  }
  const ownHost =
    kind === "openai-compatible" && profile === undefined && known?.profile === undefined;
  return ownHost && baseUrl === undefined
    ? [
        {
          path: [...path, "base_url"],
          problem: 'missing, expected a URL such as "https://host/v1"',
        },
      ]
    : [];
}

function checkProfile({ kind, profile }: Table, path: Path): readonly PathFault[] {
  if (typeof profile !== "string" || profile === "") return [];
  const at = [...path, "profile"];
  if (kind !== undefined && kind !== "openai-compatible") {
    return [{ path: at, problem: 'only goes with kind = "openai-compatible"' }];
  }
  if (profileNames.includes(profile)) return [];
  const close = nearest(profile, profileNames);
  const hint = close === undefined ? "" : `; did you mean "${close}"?`;
  const problem = `found ${quoted(profile)}, expected one of ${profileNames.join(", ")}${hint}`;
  return [{ path: at, problem }];
}

function checkBaseUrl(value: unknown, path: Path): readonly PathFault[] {
  if (typeof value !== "string" || value === "") return [];
  const problem = baseUrlProblem(value);
  return problem === undefined ? [] : [{ path, problem }];
}

/** What is wrong with a provider's base URL, or undefined. */
export function baseUrlProblem(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    return `found ${quoted(text)}, expected a URL such as "https://host/v1"`;
  }
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") {
    return "holds a name or password, expected them in api_key or headers";
  }
  if (url.search !== "" || url.hash !== "") {
    return "ends in a query or fragment, expected only scheme, host and path";
  }
  return undefined;
}

function checkKeys(table: Table, path: Path): readonly PathFault[] {
  if (table["api_key"] !== undefined && table["api_keys"] !== undefined) {
    return [
      { path: [...path, "api_keys"], problem: "stands beside api_key, expected one of the two" },
    ];
  }
  const list = table["api_keys"];
  return [
    ...checkHeaderText(table["api_key"], [...path, "api_key"]),
    ...checkHeaderText(table["access_token"], [...path, "access_token"]),
    ...(Array.isArray(list)
      ? list.flatMap((key: unknown, index) => checkHeaderText(key, [...path, "api_keys", index]))
      : []),
  ];
}

const GOOGLE_FIELDS = [
  "project",
  "region",
  "access_token",
  "credentials",
  "quota_project",
  "buckets",
];

/** Fields that only Google's hosts understand, and of the ways in at most one. */
function checkGoogle(name: string, table: Table, path: Path): readonly PathFault[] {
  const kind = table["kind"] ?? knownProvider(name)?.kind;
  const mistaken = [
    ...(kind === "vertex" ? [] : GOOGLE_FIELDS),
    ...(kind === "vertex" || kind === "gemini" ? [] : ["safety_settings"]),
  ];
  const fields = mistaken.filter((field) => table[field] !== undefined);
  if (fields.length > 0) {
    return fields.map((field) => {
      const kinds = field === "safety_settings" ? '"vertex" or "gemini"' : '"vertex"';
      return { path: [...path, field], problem: `only goes with kind = ${kinds}` };
    });
  }
  const [first, second] = ["api_key", "api_keys", "access_token", "credentials"].filter(
    (field) => table[field] !== undefined,
  );
  return first !== undefined && second !== undefined && second !== "api_keys"
    ? [{ path: [...path, second], problem: `stands beside ${first}, expected one of the two` }]
    : [];
}

function checkHeaders(headers: unknown, path: Path): readonly PathFault[] {
  if (!isTable(headers)) return [];
  return Object.keys(headers).flatMap((name) =>
    // RFC 9110, section 5.6.2: what a field name may be made of.
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)
      ? checkHeaderText(child(headers, name), [...path, name])
      : [{ path: [...path, name], problem: "not a header name" }],
  );
}

/** Keys travel in headers, and a header cannot carry line ends or letters beyond Latin-1. */
function checkHeaderText(value: unknown, path: Path): readonly PathFault[] {
  if (typeof value !== "string" || isHeaderText(value)) return [];
  const problem = "holds a line end or another character that no HTTP header can carry";
  return [{ path, problem }];
}

/** True for text that an HTTP header can carry. */
export function isHeaderText(text: string): boolean {
  return /^[\t\x20-\x7E\x80-\xFF]*$/.test(text);
}
