/**
 * Vertex AI: Gemini by its own dialect, Claude by Anthropic's. Opened by an API key (express mode, which knows no projects), an
 * access token, or credentials of Google's from which tokens are made.
 */
import { anthropicCapabilities } from "./anthropic-line.ts";
import { checkedBaseUrl } from "./checks.ts";
import type { Connector, ConnectorOptions, ModelInfo, Target } from "./connector.ts";
import { geminiCapabilities, geminiLine, tableQuirks, type Verb } from "./gemini-line.ts";
import { withoutRefusedSignatures } from "./gemini-repair.ts";
import { createGoogleGrants, fixedGrant } from "./google-grants.ts";
import { createHttpConnector } from "./http-connector.ts";
import { ChatError } from "./hub/error.ts";
import { isJsonObject, type Json, type JsonObject } from "./hub/json.ts";
import { hostOf, isSegment, locationOf, placeOf } from "./vertex-address.ts";
import { CLAUDE_ON_VERTEX, claudeLine } from "./vertex-claude.ts";

const GLOBAL = "global";
const TOKEN = /^[\x21-\x7e]+$/;
const FULL_NAME = /^publishers\/google\/models\/(gemini-.+)$/;

function unanswerable(message: string): ChatError {
  return new ChatError("unavailable", message, {
    code: "provider_misconfigured",
    retryHere: false,
    status: 502,
    level: "error",
  });
}

/** Makes one. Throws Error for options that cannot be used. */
export function createVertexConnector(options: ConnectorOptions): Connector {
  const { name, google = {} } = options;
  const names = {
    project: google.project,
    region: google.region,
    quota_project: google.quotaProject,
  };
  for (const [field, value] of Object.entries(names)) {
    if (value !== undefined && !isSegment(value)) {
      throw new Error(
        `providers.${name}.${field}: ${JSON.stringify(value)} is no name of Google's`,
      );
    }
  }
  if (google.accessToken !== undefined && !TOKEN.test(google.accessToken)) {
    throw new Error(
      `providers.${name}.access_token holds a space, a line break or another odd character`,
    );
  }
  const baseUrl = options.baseUrl ?? `https://${hostOf(google.region ?? GLOBAL)}/v1`;
  checkedBaseUrl(name, baseUrl);
  const base = new URL(baseUrl);
  const isExpress = options.apiKeys.length > 0;
  const isFixed = google.accessToken !== undefined;
  const grants =
    isExpress || isFixed
      ? undefined
      : createGoogleGrants({
          credentials: google.credentials,
          quotaProject: google.quotaProject,
          fetch: options.fetch,
        });

  const locate = (target: Target): string =>
    target.region ?? google.region ?? locationOf(base.host) ?? GLOBAL;
  /** A host of Google's own is the one of the location; any other one is where the operator wants all requests. */
  const originFor = (location: string): string =>
    locationOf(base.host) === undefined || base.port !== ""
      ? baseUrl
      : baseUrl.replace(base.host, hostOf(location));

  /** What stands before `publishers/…` and `endpoints/…`. */
  const rootOf = (target: Target): string => {
    const location = locate(target);
    if (isExpress) return originFor(GLOBAL);
    const project = target.project ?? google.project ?? grants?.project;
    if (project === undefined) {
      throw unanswerable(
        `Vertex AI is asked for a project: set VERTEX_PROJECT, project in [providers.${name}], or project in the route`,
      );
    }
    if (!isSegment(project) || !isSegment(location)) {
      throw unanswerable(`${JSON.stringify(`${project}/${location}`)} is no project and region`);
    }
    return `${originFor(location)}/projects/${project}/locations/${location}`;
  };

  const path = (target: Target, verb: Verb): string => {
    const { maker, model } = placeOf(target.model);
    return maker === "endpoint"
      ? `${rootOf(target)}/endpoints/${model}:${verb}`
      : `${rootOf(target)}/publishers/google/models/${model}:${verb}`;
  };
  const quirks = tableQuirks(google);
  const gemini = geminiLine(quirks, path, toCounted);
  const claude = claudeLine(rootOf);

  const lineFor = (target: Target): typeof gemini => {
    const { maker } = placeOf(target.model);
    if (maker === "google") return gemini;
    if (isExpress) {
      throw unanswerable(
        `${JSON.stringify(target.model)} is not to be had with an API key of Vertex AI; use a service account or an access token`,
      );
    }
    return maker === "anthropic" ? claude : gemini;
  };

  const connector = createHttpConnector(options, {
    baseUrl,
    lineFor: (_, target) => lineFor(target),
    capabilities(target) {
      const isClaude = /(?:^|\/)claude-[^/]*$/.test(target.model);
      return isClaude
        ? anthropicCapabilities(CLAUDE_ON_VERTEX, target.model)
        : geminiCapabilities(quirks, target.model);
    },
    authorize: (key) => ({ "x-goog-api-key": key }),
    ...(isFixed && !isExpress
      ? { credentials: fixedGrant(google.accessToken ?? "", google.quotaProject) }
      : {}),
    ...(grants === undefined ? {} : { credentials: grants }),
    models: {
      // Only the beta has a list, and only for those who come with a token.
      path: isExpress
        ? false
        : `${originFor(google.region ?? locationOf(base.host) ?? GLOBAL).replace(/\/v1$/, "/v1beta1")}/publishers/google/models?pageSize=200`,
      read: readModels,
      line: gemini,
    },
  });
  return {
    ...withoutRefusedSignatures(connector),
    close() {
      connector.close();
      grants?.close();
    },
  };
}

/** https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/projects.locations.publishers.models/countTokens */
function toCounted({ contents, systemInstruction, tools }: JsonObject): JsonObject {
  return { contents, systemInstruction, tools };
}

function readModels(body: Json): readonly ModelInfo[] {
  const list = isJsonObject(body) ? body["publisherModels"] : undefined;
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: Json) => {
    const full = isJsonObject(entry) ? entry["name"] : undefined;
    const id = typeof full === "string" ? FULL_NAME.exec(full)?.[1] : undefined;
    return id === undefined ? [] : [{ id, ownedBy: "google" }];
  });
}
