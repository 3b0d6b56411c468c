import { ChatError } from "../../connectors/hub/error.ts";
import type { Metrics } from "../observe/metrics.ts";
import { hashKey, isKeyShaped } from "../store/key.ts";
import type { Keyring } from "../store/keyring.ts";
import type { KeyRecord } from "../store/store.ts";

export type Authenticator = {
  /** The key's record. Throws ChatError `unauthenticated` or `forbidden`. */
  authenticate(headers: Headers): Promise<KeyRecord> | KeyRecord;
};

export type AuthenticatorOptions = {
  readonly keyring: Keyring;
  readonly metrics: Pick<Metrics, "authFailed">;
  /** How long keys are taken for good while storage cannot be asked about them; 0 is for ever. */
  readonly graceMs: number;
  readonly clock: () => number;
};

/** Storage is asked again several times in this time. */
const RETRY_AFTER_MS = 5_000;

/**
 * Checks `Authorization: Bearer XJP_…` or `x-api-key: XJP_…` against the keys in memory. Storage is asked only for a key that
 * has the right form and is unknown: it may have been made a moment ago.
 */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { keyring, metrics, clock } = options;
  const accept = (record: KeyRecord): KeyRecord => {
    const now = clock();
    if (options.graceMs > 0 && now - keyring.heardAt > options.graceMs) {
      metrics.authFailed("unavailable");
      throw storageDown("this API key cannot be checked: key storage has been down for too long");
    }
    if (!record.isActive) {
      metrics.authFailed("revoked");
      throw new ChatError("forbidden", "this API key has been revoked", { code: "key_revoked" });
    }
    if (record.expiresAt !== null && record.expiresAt <= now) {
      metrics.authFailed("expired");
      const when = new Date(record.expiresAt).toISOString();
      throw new ChatError("forbidden", `this API key expired at ${when}`, { code: "key_expired" });
    }
    keyring.touch(record.id, now);
    return record;
  };

  return {
    authenticate(headers) {
      const key = readKey(headers);
      if (key === undefined) {
        metrics.authFailed("missing");
        const found = headers.has("authorization")
          ? "the Authorization header is not `Bearer XJP_…`"
          : "no API key; send `Authorization: Bearer XJP_…`";
        throw new ChatError("unauthenticated", `${found} or \`x-api-key: XJP_…\``, {
          code: "invalid_api_key",
        });
      }
      if (!isKeyShaped(key)) {
        metrics.authFailed("malformed");
        throw wrongKey();
      }
      const hash = hashKey(key);
      const record = keyring.find(hash);
      if (record) return accept(record);
      return keyring.seek(hash).then(
        (fresh) => {
          if (fresh) return accept(fresh);
          metrics.authFailed("unknown");
          throw wrongKey();
        },
        () => {
          metrics.authFailed("unavailable");
          throw storageDown("this API key is not known, and key storage is down: try again later");
        },
      );
    },
  };
}

function readKey(headers: Headers): string | undefined {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    const space = authorization.indexOf(" ");
    if (space > 0 && isBearer(authorization.slice(0, space))) {
      const token = authorization.slice(space + 1).trim();
      if (token !== "") return token;
    }
  }
  return headers.get("x-api-key")?.trim() || undefined;
}

function isBearer(scheme: string): boolean {
  return scheme === "Bearer" || scheme.toLowerCase() === "bearer";
}

function wrongKey(): ChatError {
  return new ChatError("unauthenticated", "unknown API key; keys begin with `XJP_`", {
    code: "invalid_api_key",
  });
}

function storageDown(message: string): ChatError {
  return new ChatError("unavailable", message, {
    code: "key_storage_unavailable",
    origin: "gateway",
    retryAfterMs: RETRY_AFTER_MS,
  });
}
