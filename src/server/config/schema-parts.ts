/** The schemas of one model and one provider in the file. No defaults stand here: see schema.ts. */
import { type Static, Type } from "@sinclair/typebox";
import { LONGEST_NAME } from "./names.ts";

/** setTimeout takes no more; beyond it a timer would fire at once. */
export const longestMs = 2_147_483_647;

/** For tables with fixed fields: everything else is an unknown field. */
export const closed = { additionalProperties: false };

/** Names that the operator chooses; a line end in one would break reports and logs. */
export const freeName = Type.String({ pattern: `^.{1,${LONGEST_NAME}}$` });

const text = (description: string) => Type.String({ minLength: 1, description });

/** A string that no message and no print may show. */
export const secret = (description: string) =>
  Type.String({ minLength: 1, secret: true, description });

const route = {
  provider: text("Name of a provider; upper and lower case are the same."),
  provider_model_id: text("The provider's own name for the model."),
  timeouts_ms: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: longestMs,
      description: "Total of one attempt; without it timeouts.total_ms.",
    }),
  ),
  retry: Type.Optional(
    Type.Object(
      {
        max_retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 100 })),
        backoff_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: longestMs })),
      },
      { ...closed, description: "Where it says nothing, the table [retry] holds." },
    ),
  ),
  capabilities: Type.Optional(
    Type.Object(
      {
        tools: Type.Optional(Type.Boolean()),
        images: Type.Optional(Type.Boolean()),
        files: Type.Optional(Type.Boolean({ description: "PDFs and other documents." })),
        audio: Type.Optional(Type.Boolean()),
        video: Type.Optional(Type.Boolean()),
        json_schema: Type.Optional(Type.Boolean()),
        prefill: Type.Optional(
          Type.Boolean({ description: "Goes on with a last message of the assistant." }),
        ),
        context_tokens: Type.Optional(
          Type.Integer({ minimum: 1, description: "Most tokens of input and output together." }),
        ),
      },
      {
        ...closed,
        description: "What the target can do, where the gateway does not know it or is wrong.",
      },
    ),
  ),
  region: Type.Optional(text("Vertex: the location that serves the model.")),
  project: Type.Optional(text("Vertex: the Google Cloud project.")),
};

const most = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description }));

const dollars = (description: string) =>
  Type.Optional(
    // What whole billionths of a dollar in 53 bits can hold.
    Type.Number({ minimum: 0, maximum: 9_000_000, description }),
  );

/** Limits as they stand in a table. 0 is unlimited, except of money. */
const limits = {
  rpm: most("Requests a minute; 0 is unlimited, as below."),
  rpd: most("Requests a UTC day."),
  tpm: most("Tokens a minute."),
  tokens_per_day: most("Tokens a UTC day."),
  budget_usd_per_day: dollars("US dollars a UTC day; 0 is none at all."),
  budget_usd_per_month: dollars("US dollars a UTC calendar month; 0 is none at all."),
  concurrency: most("Requests in flight."),
};

/** What can become of a stream that breaks after it began. */
const recoveries = ["error", "buffer", "continue"] as const;

const orderedRoute = Type.Object(route, closed);

const weightedRoute = Type.Object(
  {
    ...route,
    weight: Type.Optional(
      Type.Number({
        minimum: 0,
        description: "Share of the requests that try this route first; 0 takes it out.",
      }),
    ),
  },
  closed,
);

/** `[models.NAME]`. */
export const model = Type.Object(
  {
    primary: Type.Optional(orderedRoute),
    fallback: Type.Optional(
      Type.Union([orderedRoute, Type.Array(orderedRoute)], {
        expected: "a table or an array of tables",
        description: "Tried in order after the primary route, or after all of `routes`.",
      }),
    ),
    routes: Type.Optional(
      Type.Array(weightedRoute, {
        minItems: 1,
        expected: "an array of tables with at least one route",
        description: "Instead of `primary`: tried in order, or by weight if all have one.",
      }),
    ),
    recovery: Type.Optional(
      Type.Union(
        recoveries.map((mode) => Type.Literal(mode)),
        {
          description:
            "What becomes of a stream that breaks; x-xjp-recovery says it for one request.",
        },
      ),
    ),
    affinity: Type.Optional(
      Type.Boolean({
        description:
          "Whether a conversation stays with one of the weighted routes; true unless said.",
      }),
    ),
    limits: Type.Optional(
      Type.Object(limits, { ...closed, description: "What each key may use of this model." }),
    ),
  },
  closed,
);

const kinds = [
  "openrouter",
  "openai-compatible",
  "anthropic",
  "vertex",
  "gemini",
  "clewdr",
  "demo",
] as const;

/** `[providers.NAME]`. */
export const provider = Type.Object(
  {
    kind: Type.Optional(
      Type.Union(
        kinds.map((kind) => Type.Literal(kind)),
        { description: "Needed where the name is not one of a known host." },
      ),
    ),
    profile: Type.Optional(
      text("kind openai-compatible: the known host whose peculiarities this one shares."),
    ),
    backend: Type.Optional(
      Type.Union([Type.Literal("code"), Type.Literal("web"), Type.Literal("openai")], {
        description:
          "kind clewdr: which of its APIs is asked; code (the default) takes what Anthropic takes, web and openai text and images.",
      }),
    ),
    base_url: Type.Optional(text("With the provider's path prefix: https://host/v1.")),
    api_key: Type.Optional(secret("Best as env:NAME or file:PATH.")),
    api_keys: Type.Optional(
      Type.Array(secret("One of several keys."), {
        minItems: 1,
        description: "Several keys, tried in turn.",
      }),
    ),
    project: Type.Optional(text("kind vertex: the Google Cloud project of routes that name none.")),
    region: Type.Optional(
      text("kind vertex: the location of routes that name none; global unless said."),
    ),
    access_token: Type.Optional(
      secret("kind vertex: a token that something else keeps fresh, best as env:NAME."),
    ),
    credentials: Type.Optional(
      secret(
        "kind vertex: the path of a Google credentials file, or its content by env:NAME or file:PATH.",
      ),
    ),
    quota_project: Type.Optional(
      text("kind vertex: the project that pays, where it is not the one asked."),
    ),
    buckets: Type.Optional(
      Type.Array(text("The name of a bucket, or * for all."), {
        description:
          "kind vertex: buckets that callers may name as gs://…; they are read with the gateway's own rights. None unless said.",
      }),
    ),
    safety_settings: Type.Optional(
      Type.Record(Type.String({ pattern: "^[A-Z_]+$" }), text("A threshold such as BLOCK_NONE."), {
        ...closed,
        description:
          "kinds vertex and gemini: thresholds by category, for requests that say nothing about safety.",
      }),
    ),
    headers: Type.Optional(
      Type.Record(Type.String(), Type.String({ secret: true }), {
        ...closed,
        description: "Sent with every request.",
      }),
    ),
  },
  closed,
);

/** `[tenants.NAME]`. */
export const tenant = Type.Object(
  {
    models: Type.Optional(
      Type.Array(text("A model, or the beginning of several with a * behind it."), {
        description: "The only models that its keys may use; all without it.",
      }),
    ),
    aliases: Type.Optional(
      Type.Record(freeName, text("A model."), {
        ...closed,
        description: "Names that stand for other models when its keys use them.",
      }),
    ),
    ...limits,
  },
  closed,
);

export type FileLimits = NonNullable<FileModel["limits"]>;
export type FileModel = Static<typeof model>;
export type FileProvider = Static<typeof provider>;
export type FileRoute = Static<typeof weightedRoute>;
export type ProviderKind = (typeof kinds)[number];
