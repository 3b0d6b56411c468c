import type { Capabilities } from "../../connectors/capabilities.ts";
import { ChatError } from "../../connectors/hub/error.ts";
import type { ChatRequest, Part } from "../../connectors/hub/request.ts";
import type { StatedCapabilities } from "../config/config.ts";
import { estimateInput } from "./estimate.ts";

/** What a request can ask of a target, by the names of the configuration. */
export const NEEDS = ["tools", "images", "files", "audio", "video", "json_schema"] as const;

export type Need = (typeof NEEDS)[number];

export type Needs = {
  readonly features: ReadonlySet<Need>;
  /** Input and output together, at the least. Counted when first asked for. */
  readonly tokens: () => number;
  /** More than `tokens` can be, and known at once. */
  readonly mostTokens: number;
};

/** What the configuration says of a target beats what its connector knows. */
export type Ability = {
  readonly known: Capabilities;
  readonly stated: StatedCapabilities;
};

/** Why a target does not fit. `stated`: the operator says so, and no provider is asked whether it is true. */
export type Misfit = {
  readonly need: Need | "context";
  readonly stated: boolean;
  readonly reason: string;
};

/** The gateway's count may be off by so much; only a request that is surely too long is kept from a target. */
const SURELY = 0.75;

const WORDS: Readonly<Record<Need, string>> = {
  tools: "tools",
  images: "images",
  files: "files",
  audio: "audio",
  video: "video",
  json_schema: "a JSON schema for the answer",
};

/** Reads them off a request; texts are counted only if a target's length is in question. */
export function needsOf(request: ChatRequest): Needs {
  const features = new Set<Need>();
  if (request.tools.length > 0) features.add("tools");
  if (request.output?.type === "json-schema") features.add("json_schema");
  for (const message of request.messages) collect(message.parts, features);
  let tokens: number | undefined;
  const output = request.maxOutputTokens ?? 0;
  return {
    features,
    tokens: () => (tokens ??= Math.floor(estimateInput(request) * SURELY) + output),
    // No token is shorter than a character.
    mostTokens: request.source.text.length + output,
  };
}

function collect(parts: readonly Part[], features: Set<Need>): void {
  for (const part of parts) {
    switch (part.type) {
      case "image":
        features.add("images");
        break;
      case "file":
        features.add("files");
        break;
      case "audio":
      case "video":
        features.add(part.type);
        break;
      case "tool-call":
        features.add("tools");
        break;
      case "tool-result":
        features.add("tools");
        collect(part.parts, features);
        break;
      case "text":
      case "refusal":
      case "reasoning":
        break;
    }
  }
}

/** The first thing that a target cannot do for a request, or undefined if it fits. */
function misfitOf(needs: Needs, ability: Ability): Misfit | undefined {
  for (const need of needs.features) {
    const stated = statementOn(need, ability.stated);
    if (stated ?? knows(need, ability.known)) continue;
    return { need, stated: stated === false, reason: `it does not take ${WORDS[need]}` };
  }
  const most = contextOf(ability);
  if (most === undefined || needs.mostTokens <= most || needs.tokens() <= most) return undefined;
  const reason = `its context holds ${most} tokens, and the request takes some ${needs.tokens()}`;
  return { need: "context", stated: false, reason };
}

/** Whether there is anything that a request could ask and a target could not do. */
export function hasLimits(ability: Ability): boolean {
  if (contextOf(ability) !== undefined) return true;
  return NEEDS.some((need) => !(statementOn(need, ability.stated) ?? knows(need, ability.known)));
}

/** Whether the operator says so of anything. */
export function isStatedUnable({ stated }: Ability): boolean {
  return NEEDS.some((need) => statementOn(need, stated) === false);
}

/** Most tokens of input and output together, where that is known. */
export function contextOf({ known, stated }: Ability): number | undefined {
  return stated.contextTokens ?? known.contextTokens;
}

/** Whether a last message of the assistant is gone on with. */
export function canPrefill({ known, stated }: Ability): boolean {
  return stated.prefill ?? known.prefill;
}

function statementOn(need: Need, stated: StatedCapabilities): boolean | undefined {
  return need === "json_schema" ? stated.jsonSchema : stated[need];
}

function knows(need: Need, known: Capabilities): boolean {
  switch (need) {
    case "tools":
      return known.tools;
    case "json_schema":
      return known.jsonSchema;
    case "images":
      return known.image.length > 0;
    case "files":
      return known.file.length > 0;
    case "audio":
    case "video":
      return known[need].length > 0;
  }
}

/**
 * The routes that can do what is asked, and the others. Where none can, those count as able of which only the gateway believes
 * that they cannot: its knowledge of models is never complete, and the provider has the last word. Throws ChatError
 * `invalid-request` if the operator says it of all.
 */
export function fit<Route extends { readonly ability: Ability }>(
  routes: readonly Route[],
  needs: Needs,
  model: string,
): { readonly able: readonly Route[]; readonly unable: readonly Unable<Route>[] } {
  const unable: Unable<Route>[] = [];
  const able: Route[] = [];
  for (const route of routes) {
    const misfit = misfitOf(needs, route.ability);
    if (misfit) unable.push({ route, misfit });
    else able.push(route);
  }
  if (unable.length === 0) return { able: routes, unable };
  if (able.length > 0) return { able, unable };
  const perhaps = unable.filter(({ misfit }) => !misfit.stated);
  if (perhaps.length > 0) {
    const sure = unable.filter(({ misfit }) => misfit.stated);
    return { able: perhaps.map(({ route }) => route), unable: sure };
  }
  const { need, reason } = unable[0]?.misfit ?? { need: "tools", reason: "" };
  throw new ChatError(
    "invalid-request",
    `no target of the model \`${model}\` can answer this request: ${reason}`,
    { code: "not_supported", param: PARAMS[need] },
  );
}

export type Unable<Route> = { readonly route: Route; readonly misfit: Misfit };

/** The field that an error of a missing ability names. */
const PARAMS: Readonly<Record<Misfit["need"], string>> = {
  tools: "tools",
  json_schema: "response_format",
  images: "messages",
  files: "messages",
  audio: "messages",
  video: "messages",
  context: "messages",
};
