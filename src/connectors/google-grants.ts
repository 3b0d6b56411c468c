import type { Fetch } from "./connector.ts";
import type { Credentials, Grant } from "./credentials.ts";
import { findCredentials } from "./net/google-credentials.ts";
import { type AccessToken, createGoogleTokens } from "./net/google-token.ts";

export type GoogleGrants = Credentials & {
  /** The project that the credentials belong to, once one has been taken. */
  readonly project: string | undefined;
  close(): void;
};

function bearer(token: string, quotaProject: string | undefined): Omit<Grant, "judge"> {
  return {
    headers: {
      authorization: `Bearer ${token}`,
      ...(quotaProject === undefined ? {} : { "x-goog-user-project": quotaProject }),
    },
    secrets: [token],
  };
}

/** A token that somebody else keeps fresh. */
export function fixedGrant(token: string, quotaProject: string | undefined): Credentials {
  const grant: Grant = { ...bearer(token, quotaProject), judge: () => false };
  return { take: () => grant };
}

/** Tokens by credentials of Google's (see `findCredentials`); one that is refused is replaced, once. */
export function createGoogleGrants(options: {
  readonly credentials: string | undefined;
  readonly quotaProject: string | undefined;
  readonly fetch: Fetch | undefined;
}): GoogleGrants {
  const tokens = createGoogleTokens({
    credentials: () => findCredentials(options.credentials),
    fetch: options.fetch,
  });
  const grants = new WeakMap<AccessToken, Grant>();
  const toGrant = (token: AccessToken): Grant => {
    const known = grants.get(token);
    if (known !== undefined) return known;
    const grant: Grant = {
      ...bearer(token.value, options.quotaProject ?? tokens.quotaProject),
      judge: (error) => error.upstreamStatus === 401 && tokens.refuse(token),
    };
    grants.set(token, grant);
    return grant;
  };
  return {
    take() {
      const token = tokens.take();
      return token instanceof Promise ? token.then(toGrant) : toGrant(token);
    },
    get project() {
      return tokens.project;
    },
    close: () => tokens.close(),
  };
}
