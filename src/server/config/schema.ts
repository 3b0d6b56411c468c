/**
 * The configuration file: every field, what it means, its bounds and its default. Times are milliseconds. A field without a
 * default is either required or has none; route fields without one take the value of the table named in their description.
 */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { closed, freeName, longestMs, model, provider, secret, tenant } from "./schema-parts.ts";

/** A table with fixed fields, there with its defaults also when the file has none. */
function table<const Fields extends Record<string, TSchema>>(fields: Fields, description: string) {
  return Type.Object(fields, { ...closed, default: {}, description });
}

function milliseconds(value: number, description: string, minimum = 1) {
  return Type.Integer({ minimum, maximum: longestMs, default: value, description });
}

const price = Type.Object(
  {
    input: Type.Number({ minimum: 0 }),
    output: Type.Number({ minimum: 0 }),
    cache_read: Type.Optional(Type.Number({ minimum: 0 })),
    cache_write: Type.Optional(Type.Number({ minimum: 0 })),
  },
  { ...closed, description: "US dollars per million tokens." },
);

const server = table(
  {
    host: Type.String({
      pattern: "^[0-9A-Za-z._:%-]+$",
      // Reachable from other machines only when that is asked for.
      default: "127.0.0.1",
      expected: "a host name or IP address",
      description: "Address to listen on; 0.0.0.0 is every IPv4 address of the machine.",
    }),
    port: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 8080,
      expected: "a port from 1 to 65535, or 0 for any free one",
      description: "Port to listen on.",
    }),
    // Nobody waits at a terminal; behind a load balancer, a little longer than its probe's interval.
    drain_delay_ms: milliseconds(
      0,
      "How long a stopping server goes on accepting while /readyz already fails.",
      0,
    ),
    // Most answers end within half a minute, and service managers begin to kill at 90 seconds.
    drain_ms: milliseconds(30_000, "How long a stopping server lets running requests finish.", 0),
    // Proxies and load balancers cut silent connections after 30 to 60 seconds.
    keep_alive_ms: milliseconds(15_000, "Silence after which a waiting client is sent a sign."),
    // The largest body over a slow line; Bun counts up to 255 seconds. Heads of requests have twelve, by Bun's own rule.
    receive_ms: Type.Integer({
      minimum: 1000,
      maximum: 255_000,
      default: 120_000,
      description:
        "Longest time for a request to arrive; a connection that takes longer is closed.",
    }),
    // Who reads nothing for so long has gone, or means ill.
    slow_reader_ms: milliseconds(300_000, "How long a client may leave a stream unread."),
    admin_token: Type.Optional(
      secret("Opens /admin/…; without it the admin API is off. Best as env:NAME or file:PATH."),
    ),
  },
  "Where clients reach the gateway.",
);

const timeouts = table(
  {
    // A handshake that takes longer than a few round trips and SYN retries will not succeed.
    connect_ms: milliseconds(5000, "Until the connection stands."),
    // An unstreamed reply sends its headers when it is finished, and reasoning models think for minutes.
    headers_ms: milliseconds(
      600_000,
      "Until the provider's status and headers; for streams no longer than first_event_ms.",
    ),
    // Long prompts are read for a minute and more before the first token.
    first_event_ms: milliseconds(
      120_000,
      "Streams: from the headers to the first byte, be it a comment's.",
    ),
    // Whoever sends comments works: models that show no thoughts are silent for minutes.
    idle_ms: milliseconds(120_000, "Streams: between two bytes, those of comments included."),
    // What official client libraries wait by default.
    total_ms: milliseconds(600_000, "One whole request, with all its attempts."),
  },
  "Longest waits for a provider.",
);

/** The file, with the defaults that it may leave out. */
export const fileSchema = Type.Object(
  {
    server,
    database: Type.Optional(
      Type.Union([secret("The URL itself."), Type.Object({ url: secret("The URL.") }, closed)], {
        expected: 'a string such as "sqlite:PATH" or "postgres://…", or a table with url',
        description:
          "Where keys and usage are stored; without it a SQLite file in the user's data folder.",
      }),
    ),
    redis: table(
      {
        url: Type.Optional(
          secret("redis://HOST:PORT, rediss:// with TLS. Best as env:NAME or file:PATH."),
        ),
      },
      "Counters and answers that several instances share; without it, PostgreSQL keeps them if that is the database.",
    ),
    usage: table(
      {
        journal_dir: Type.Optional(
          Type.String({
            minLength: 1,
            description:
              "Folder for usage on its way to the database, and for what a start without one needs; on a local disk.",
          }),
        ),
        retention_days: Type.Integer({
          minimum: 0,
          maximum: 36_500,
          default: 0,
          description:
            "How long the row of each request is kept, in whole days before today; 0 is for ever. The totals of days stay.",
        }),
      },
      "The books.",
    ),
    keys: table(
      {
        // A database that is not back after a day is no outage any more, and until then revocations are not heard of.
        grace_ms: milliseconds(
          86_400_000,
          "How long keys go on working while the database cannot be asked about them; 0 is for ever.",
          0,
        ),
      },
      "Keys.",
    ),
    log: table(
      {
        level: Type.Union(
          (["debug", "info", "warn", "error"] as const).map((level) => Type.Literal(level)),
          { default: "info" },
        ),
        format: Type.Union([Type.Literal("pretty"), Type.Literal("json")], { default: "pretty" }),
      },
      "What the server says on standard error.",
    ),
    models: Type.Record(freeName, model, {
      ...closed,
      default: {},
      description: "Logical models by name. With none, PROVIDER/MODEL reaches every model.",
    }),
    providers: Type.Record(freeName, provider, {
      ...closed,
      default: {},
      description: "Providers by name. Well-known ones also come from the environment.",
    }),
    tenants: Type.Record(freeName, tenant, {
      ...closed,
      default: {},
      description: "What holds for all keys of a tenant, by its name.",
    }),
    rate_limiting: table(
      {
        // The earlier gateway's figures.
        default_rpm: Type.Integer({
          minimum: 0,
          default: 60,
          description: "Requests a minute of a key without a rate of its own; 0 is unlimited.",
        }),
        burst_size: Type.Integer({
          minimum: 0,
          default: 10,
          description:
            "How many may come at once; a key with a high rate gets six seconds of it. 0 is a whole minute of it.",
        }),
        // Answers of chats and agents mostly stay below; a longer one is settled when it is there.
        assumed_output_tokens: Type.Integer({
          minimum: 0,
          maximum: 10_000_000,
          default: 1024,
          description:
            "Reserved for the answer to a request that does not say how long it may become.",
        }),
        instances: Type.Integer({
          minimum: 1,
          default: 1,
          description:
            "How many gateways share the limits, at the least: each keeps to its part while they cannot hear of each other.",
        }),
      },
      "Limits of keys that have none of their own.",
    ),
    timeouts,
    retry: table(
      {
        // Two more tries outlast a passing fault and stay within what an interactive client waits.
        max_retries: Type.Integer({ minimum: 0, maximum: 100, default: 2 }),
        backoff_ms: milliseconds(500, "Longest wait before the first retry; it doubles.", 0),
        // Three on the first route and some for each of the next ones; beyond that a client has long lost patience.
        max_attempts: Type.Integer({
          minimum: 1,
          maximum: 1000,
          default: 8,
          description: "Attempts of one request on all its routes together.",
        }),
      },
      "How often a request is tried; a route may have a retry table of its own.",
    ),
    breaker: table(
      {
        // One bad minute opens a circuit; a single unlucky request does not.
        failures: Type.Integer({
          minimum: 1,
          default: 5,
          description: "Failures in a row that open a circuit.",
        }),
        // One that answers every other request fails most of those that need two turns.
        failure_rate: Type.Number({
          exclusiveMinimum: 0,
          maximum: 1,
          default: 0.5,
          description: "Share of failures within window_ms that opens a circuit, too.",
        }),
        min_requests: Type.Integer({
          minimum: 1,
          default: 20,
          description: "Requests within window_ms below which their failure rate says nothing.",
        }),
        window_ms: milliseconds(30_000, "How far back the failure rate looks."),
        // A recovered provider has its traffic back within half a minute.
        cooldown_ms: milliseconds(15_000, "How long a circuit stays open before a probe."),
        probes: Type.Integer({
          minimum: 1,
          default: 2,
          description: "Requests that a half-open circuit lets through at a time.",
        }),
        successes: Type.Integer({
          minimum: 1,
          default: 2,
          description: "Probes that must succeed in a row before a circuit closes.",
        }),
      },
      "When a target is left alone for a while.",
    ),
    limits: table(
      {
        // Room for several images or a long PDF in base64.
        max_body_bytes: Type.Integer({
          minimum: 1024,
          default: 67_108_864,
          description: "Largest request body.",
        }),
        // JSON schemas of tools nest some twenty deep; parsers of providers give up at a few hundred.
        max_depth: Type.Integer({
          minimum: 8,
          maximum: 1000,
          default: 128,
          description: "How deep arrays and objects of a body may nest.",
        }),
        max_messages: Type.Integer({
          minimum: 1,
          default: 10_000,
          description: "Longest conversation.",
        }),
        max_parts: Type.Integer({
          minimum: 1,
          default: 100_000,
          description: "Content parts of all messages together.",
        }),
        // Agents bring some hundred; OpenAI takes 128, others more.
        max_tools: Type.Integer({
          minimum: 1,
          default: 2048,
          description: "Tools of one request.",
        }),
        max_tokens: Type.Integer({
          minimum: 0,
          default: 0,
          description: "Most tokens a request may ask for; 0 is no ceiling.",
        }),
      },
      "What a request may bring.",
    ),
    media: table(
      {
        fetch_urls: Type.Boolean({
          default: true,
          description:
            "Whether images and files at URLs are fetched for providers that take only bytes.",
        }),
        // A caller could otherwise read what only this machine can reach.
        allow_private: Type.Boolean({
          default: false,
          description: "Whether also from loopback, private and link-local addresses.",
        }),
        allow_http: Type.Boolean({
          default: false,
          description: "Whether http: will do, besides https:.",
        }),
        max_bytes: Type.Integer({
          minimum: 1024,
          default: 20_971_520,
          description: "Largest file fetched.",
        }),
        // As base64 some 43 MiB: more than any provider takes in one request.
        max_total_bytes: Type.Integer({
          minimum: 1024,
          default: 33_554_432,
          description: "All files fetched for one request.",
        }),
        max_held_bytes: Type.Integer({
          minimum: 1024,
          default: 268_435_456,
          description: "All files being fetched at a time; more requests wait.",
        }),
        timeout_ms: milliseconds(15_000, "For one file, with its redirects."),
      },
      "Media that callers name by URL.",
    ),
    idempotency: table(
      {
        keep_ms: milliseconds(
          86_400_000,
          "How long the answer to a request with an Idempotency-Key is given again.",
        ),
        max_answer_bytes: Type.Integer({
          minimum: 0,
          maximum: 67_108_864,
          default: 1_048_576,
          description: "Longer answers are not kept.",
        }),
        max_total_bytes: Type.Integer({
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
          default: 268_435_456,
          description: "Of more than that the oldest go first.",
        }),
      },
      "Answers that are given again.",
    ),
    cors: table(
      {
        origins: Type.Array(Type.String(), {
          default: [],
          description: 'Web origins that may call from a browser, or ["*"]; none by default.',
        }),
      },
      "Browsers.",
    ),
    prices: Type.Record(Type.String({ pattern: "^.+$" }), price, {
      ...closed,
      default: {},
      description: "By logical model, by provider/model, or by the provider's model id.",
    }),
  },
  closed,
);

/** The file after defaults, before names are resolved. */
export type FileConfig = Static<typeof fileSchema>;
