/** Application Default Credentials: https://cloud.google.com/docs/authentication/application-default-credentials */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

import { isJsonObject, type JsonObject } from "../hub/json.ts";
import type { ServiceAccount } from "./google-jwt.ts";

/** Whatever a token can be had with. */
export type GoogleCredentials =
  | (ServiceAccount & { readonly kind: "service-account"; readonly projectId?: string })
  | {
      readonly kind: "authorized-user";
      readonly clientId: string;
      readonly clientSecret: string;
      readonly refreshToken: string;
      readonly tokenUri: string;
      /** The project that pays for a user's requests. */
      readonly quotaProject?: string;
    }
  | { readonly kind: "metadata"; readonly host: string };

const TOKEN_URI = "https://oauth2.googleapis.com/token";
const METADATA_HOST = "metadata.google.internal";
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

export type Surroundings = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Rejects where there is no such file. */
  readonly read: (path: string) => Promise<string>;
};

const here: Surroundings = { env: process.env, read: (path) => readFile(path, "utf8") };

/** Secrets go there, so it must be Google's own or at least a closed line. */
function tokenUri(value: string | undefined, where: string): string {
  const uri = value ?? TOKEN_URI;
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url?.protocol === "https:") return uri;
  if (url?.protocol === "http:" && LOOPBACK.test(url.hostname)) return uri;
  throw new Error(`${where}: token_uri must begin with https://`);
}

/** Reads a credentials file. Throws Error, without its content, for one that gives no tokens here. */
export function parseCredentials(text: string, where: string): GoogleCredentials {
  let file: JsonObject | undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) file = value;
  } catch {
    // The parser's message would show what it found, which is a secret.
  }
  if (!file) throw new Error(`${where}: not a JSON object, expected a Google credentials file`);
  const field = (name: string): string => {
    const value = file[name];
    if (typeof value === "string" && value !== "") return value;
    throw new Error(`${where}: ${name} is missing`);
  };
  const optional = (name: string): string | undefined => {
    const value = file[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const type = optional("type") ?? "of no stated type";
  switch (type) {
    case "service_account": {
      const keyId = optional("private_key_id");
      const projectId = optional("project_id");
      return {
        kind: "service-account",
        email: field("client_email"),
        privateKey: field("private_key"),
        tokenUri: tokenUri(optional("token_uri"), where),
        ...(keyId === undefined ? {} : { keyId }),
        ...(projectId === undefined ? {} : { projectId }),
      };
    }
    case "authorized_user": {
      const quotaProject = optional("quota_project_id");
      return {
        kind: "authorized-user",
        clientId: field("client_id"),
        clientSecret: field("client_secret"),
        refreshToken: field("refresh_token"),
        tokenUri: tokenUri(optional("token_uri"), where),
        ...(quotaProject === undefined ? {} : { quotaProject }),
      };
    }
    default:
      throw new Error(
        `${where}: credentials ${type} give no tokens here; use a service account's key, gcloud auth application-default login, or VERTEX_ACCESS_TOKEN`,
      );
  }
}

/**
 * What tokens are to be had with: the file that is given (a path, or its content), else the one that gcloud has left, else the
 * metadata server of the machine. Throws Error for a file that cannot be used.
 */
export async function findCredentials(
  given: string | undefined,
  { env, read }: Surroundings = here,
): Promise<GoogleCredentials> {
  if (given?.trimStart().startsWith("{")) return parseCredentials(given, "credentials");
  if (given !== undefined) {
    let text: string;
    try {
      text = await read(given);
    } catch (cause) {
      throw new Error(`the Google credentials file ${given} cannot be read`, { cause });
    }
    return parseCredentials(text, given);
  }
  const folder = env["CLOUDSDK_CONFIG"] ?? join(env["HOME"] ?? homedir(), ".config/gcloud");
  const path = join(folder, "application_default_credentials.json");
  const text = await read(path).catch(() => undefined);
  if (text !== undefined) return parseCredentials(text, path);
  return { kind: "metadata", host: env["GCE_METADATA_HOST"] || METADATA_HOST };
}
