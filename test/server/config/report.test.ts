import { describe, expect, test } from "bun:test";
import { inputFor, load, report, reportOf } from "./_files.ts";

const good = `primary = { provider = "openai", provider_model_id = "x" }`;

/** One fault each: what is wrong, the file, and the line of the report. */
const faults: readonly (readonly [what: string, text: string, line: string])[] = [
  [
    "text that is no TOML",
    "[server]\nport = 1\nport = 2\n",
    "xjp.toml:3: not valid TOML: cannot redefine key 'port'",
  ],
  [
    "an unknown table",
    "[sever]\nport = 1\n",
    "xjp.toml:1: sever: unknown field, expected one of server, database, ",
  ],
  [
    "an unknown field far from every name",
    "[breaker]\nwhatever = 1\n",
    "xjp.toml:2: breaker.whatever: unknown field, expected one of failures, failure_rate, min_requests, window_ms, cooldown_ms, probes, successes",
  ],
  [
    "a wrong type",
    '[server]\nport = "80a"\n',
    'xjp.toml:2: server.port: found "80a", expected a port from 1 to 65535, or 0 for any free one',
  ],
  [
    "an array for a table",
    "timeouts = []\n",
    "xjp.toml:1: timeouts: found an empty array, expected a table",
  ],
  [
    "a table for a number",
    "[limits.max_tokens]\n",
    "xjp.toml:1: limits.max_tokens: found a table, expected an integer of at least 0",
  ],
  [
    "a fraction",
    "[retry]\nmax_retries = 1.5\n",
    "xjp.toml:2: retry.max_retries: found 1.5, expected an integer from 0 to 100",
  ],
  [
    "a time that no timer can hold",
    "[timeouts]\ntotal_ms = 2147483648\n",
    "xjp.toml:2: timeouts.total_ms: found 2147483648, expected an integer from 1 to 2147483647",
  ],
  [
    "a number without meaning",
    "[prices.x]\ninput = nan\noutput = 1\n",
    "xjp.toml:2: prices.x.input: found NaN, expected a number of at least 0",
  ],
  [
    "a negative price",
    "[prices.x]\ninput = 1\noutput = -2\n",
    "xjp.toml:3: prices.x.output: found -2, expected a number of at least 0",
  ],
  [
    "a missing field",
    "[prices.x]\ninput = 1\n",
    "xjp.toml:1: prices.x.output: missing, expected a number of at least 0",
  ],
  [
    "a word that is no choice",
    '[log]\nlevel = "inof"\n',
    'xjp.toml:2: log.level: found "inof", expected one of debug, info, warn, error; did you mean "info"?',
  ],
  [
    "a date",
    "[server]\nhost = 1979-05-27\n",
    'xjp.toml:2: server.host: found the date "1979-05-27", which needs quotes to be text',
  ],
  [
    "a name that would reach into the prototype",
    "[models.__proto__]\nx = 1\n",
    "xjp.toml:1: models.__proto__: not a usable name",
  ],
  [
    "a name of a model that no table can hold",
    `[models."${"m".repeat(256)}"]\n${good}\n`,
    `xjp.toml:1: models.${"m".repeat(256)}: the name has 256 characters, expected at most 255`,
  ],
  [
    "an alias as long",
    `[models.fast]\n${good}\n[tenants.acme.aliases]\n"${"a".repeat(256)}" = "fast"\n`,
    `xjp.toml:4: tenants.acme.aliases.${"a".repeat(256)}: the name has 256 characters, expected at most 255`,
  ],
  ["an empty model name", '[models.""]\n', 'xjp.toml:1: models."": not a usable name'],
  [
    "a host with spaces",
    '[server]\nhost = "a b"\n',
    'xjp.toml:2: server.host: found "a b", expected a host name or IP address',
  ],
  [
    "a database of another kind",
    'database = "mysql://root:secret@host/x"\n',
    "xjp.toml:1: database: found a mysql: URL, expected sqlite:PATH or postgres://USER@HOST/NAME",
  ],
  [
    "a database table with a bad URL",
    '[database]\nurl = "sqlite:"\n',
    'xjp.toml:2: database.url: found "sqlite:", expected sqlite:PATH',
  ],
  [
    "an origin with a path",
    '[cors]\norigins = [\n"https://a.example",\n"https://b.example/",\n]\n',
    'xjp.toml:4: cors.origins[1]: found "https://b.example/", expected "*" or an origin such as "https://example.com"',
  ],
  [
    "a route to a provider that does not exist",
    '[models."fast".primary]\nprovider = "opnrouter"\nprovider_model_id = "x"\n',
    'xjp.toml:2: models.fast.primary.provider: found "opnrouter", expected one of openrouter, openai, anthropic, vertex, gemini, clewdr,',
  ],
  [
    "an alias of a model that does not exist",
    `[models.fast]\n${good}\n[tenants.acme.aliases]\n"gpt-4o" = "fats"\n`,
    'xjp.toml:4: tenants.acme.aliases.gpt-4o: found "fats", expected the name of a model; did you mean "fast"?',
  ],
  [
    "an address that is none of a Redis server",
    '[redis]\nurl = "http://10.0.0.7:6379"\n',
    "xjp.toml:2: redis.url: found text that is no address of a Redis server, expected redis://HOST:PORT or rediss://HOST:PORT",
  ],
  [
    "a limit below nothing",
    "[tenants.acme]\nrpm = 10\nbudget_usd_per_day = -1\n",
    "xjp.toml:3: tenants.acme.budget_usd_per_day: found -1, expected a number from 0 to 9000000",
  ],
  [
    "a misspelled limit of a model",
    `[models.fast]\n${good}\nlimits = { rpm = 1, tokens_per_dya = 5 }\n`,
    'xjp.toml:3: models.fast.limits.tokens_per_dya: unknown field, expected one of rpm, rpd, tpm, tokens_per_day, budget_usd_per_day, budget_usd_per_month, concurrency; did you mean "tokens_per_day"?',
  ],
  [
    "a route without its model",
    '[models.fast.primary]\nprovider = "openai"\n',
    "xjp.toml:1: models.fast.primary.provider_model_id: missing, expected a non-empty string",
  ],
  [
    "a misspelled field of an inline route in a list",
    `[models.fast]\n${good}\nfallback = [\n{ provider = "openai", provider_model_id = "x", regoin = "x" },\n]\n`,
    'xjp.toml:4: models.fast.fallback[0].regoin: unknown field, expected one of provider, provider_model_id, timeouts_ms, retry, capabilities, region, project; did you mean "region"?',
  ],
  [
    "a fallback that is neither table nor array",
    `[models.fast]\n${good}\nfallback = "openai"\n`,
    'xjp.toml:3: models.fast.fallback: found "openai", expected a table or an array of tables',
  ],
  [
    "a model without routes",
    "[models.fast]\n",
    "xjp.toml:1: models.fast: has no route, expected a table primary or an array of tables routes",
  ],
  [
    "a fallback without a primary route",
    '[models.fast.fallback]\nprovider = "openai"\nprovider_model_id = "x"\n',
    "xjp.toml:1: models.fast.fallback: stands without a primary route",
  ],
  [
    "primary and routes in one model",
    `[models.fast]\n${good}\n[[models.fast.routes]]\nprovider = "openai"\nprovider_model_id = "x"\n`,
    "xjp.toml:3: models.fast.routes: stands beside primary, expected one of the two",
  ],
  [
    "an empty list of routes",
    "[models.fast]\nroutes = []\n",
    "xjp.toml:2: models.fast.routes: found an empty array, expected an array of tables with at least one route",
  ],
  [
    "a weight on some routes only",
    '[[models.fast.routes]]\nprovider = "openai"\nprovider_model_id = "x"\nweight = 1\n[[models.fast.routes]]\nprovider = "openai"\nprovider_model_id = "y"\n',
    "xjp.toml:5: models.fast.routes[1].weight: missing, expected a number as the other routes have; what is only to step in goes under fallback",
  ],
  [
    "weights that leave nothing",
    '[[models.fast.routes]]\nprovider = "openai"\nprovider_model_id = "x"\nweight = 0\n',
    "xjp.toml:1: models.fast.routes: every weight is 0, expected at least one above",
  ],
  [
    "a negative weight",
    '[[models.fast.routes]]\nprovider = "openai"\nprovider_model_id = "x"\nweight = -1\n',
    "xjp.toml:4: models.fast.routes[0].weight: found -1, expected a number of at least 0",
  ],
  [
    "a provider of unknown kind",
    '[providers.mine]\nkind = "openai-compatable"\nbase_url = "http://x/v1"\n',
    'xjp.toml:2: providers.mine.kind: found "openai-compatable", expected one of openrouter, openai-compatible, anthropic, vertex, gemini, clewdr, demo; did you mean "openai-compatible"?',
  ],
  [
    "a provider that nobody knows, without a kind",
    '[providers.opnai]\napi_key = "k"\n',
    'xjp.toml:1: providers.opnai.kind: missing, because "opnai" is no host known here, expected for instance "openai-compatible"; did you mean [providers.openai]?',
  ],
  [
    "an unknown host without its address",
    '[providers.mine]\nkind = "openai-compatible"\n',
    'xjp.toml:1: providers.mine.base_url: missing, expected a URL such as "https://host/v1"',
  ],
  [
    "an unknown profile",
    '[providers.mine]\nprofile = "gorq"\n',
    'xjp.toml:2: providers.mine.profile: found "gorq", expected one of',
  ],
  [
    "a profile of another kind of provider",
    '[providers.mine]\nkind = "openrouter"\nprofile = "groq"\n',
    'xjp.toml:3: providers.mine.profile: only goes with kind = "openai-compatible"',
  ],
  [
    "two providers of one name",
    "[providers.OpenAI]\n[providers.openai]\n",
    "xjp.toml:2: providers.openai: the same name as providers.OpenAI, since upper and lower case do not count",
  ],
  [
    "a provider name that cannot stand before a slash",
    '[providers."a/b"]\nkind = "openrouter"\n',
    'xjp.toml:1: providers."a/b": not a usable name, expected letters, digits, dots, - and _',
  ],
  [
    "the built-in provider's name for another one",
    '[providers.demo]\nkind = "openrouter"\n',
    "xjp.toml:1: providers.demo: the name of the built-in provider, expected another one",
  ],
  [
    "a base URL without a scheme",
    '[providers.openai]\nbase_url = "localhost:1234/v1"\n',
    'xjp.toml:2: providers.openai.base_url: found "localhost:1234/v1", expected a URL such as "https://host/v1"',
  ],
  [
    "a password in a base URL",
    '[providers.openai]\nbase_url = "https://me:hidden@host/v1"\n',
    "xjp.toml:2: providers.openai.base_url: holds a name or password, expected them in api_key or headers",
  ],
  [
    "a query behind a base URL",
    '[providers.openai]\nbase_url = "https://host/v1?key=hidden"\n',
    "xjp.toml:2: providers.openai.base_url: ends in a query or fragment, expected only scheme, host and path",
  ],
  [
    "one key and several",
    '[providers.openai]\napi_key = "a"\napi_keys = ["b"]\n',
    "xjp.toml:3: providers.openai.api_keys: stands beside api_key, expected one of the two",
  ],
  [
    "a key over two lines",
    '[providers.openai]\napi_keys = ["good", """two\nlines"""]\n',
    "xjp.toml:2: providers.openai.api_keys[1]: holds a line end or another character that no HTTP header can carry",
  ],
  [
    "a header that is none",
    '[providers.openai.headers]\n"x y" = "z"\n',
    'xjp.toml:2: providers.openai.headers."x y": not a header name',
  ],
  [
    "a header value that is a number",
    "[providers.openai.headers]\nx = 5\n",
    "xjp.toml:2: providers.openai.headers.x: found a number, expected a string",
  ],
];

describe("the report", () => {
  test.each(faults)("names %s", async (_, text, line) => {
    const lines = await report(text);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toStartWith(line);
  });

  test("never repeats a secret", async () => {
    const lines = await report(
      `database = "mysql://root:hidden@host/x"
[server]
port = "env:SECRET"
[providers.openai]
api_key = { hidden = "hidden" }
headers = { "x-key" = ["hidden"], ok = """hidden
""" }
base_url = "file:secret"
`,
      { env: { SECRET: "hidden", OPENAI_API_KEY: "hidden\n" }, files: { secret: "hidden\n" } },
    );
    expect(lines).toEqual([
      "xjp.toml:1: database: found a mysql: URL, expected sqlite:PATH or postgres://USER@HOST/NAME",
      "xjp.toml:3: server.port: found env:SECRET, expected a port from 1 to 65535, or 0 for any free one",
      "xjp.toml:5: providers.openai.api_key: found a table, expected a non-empty string",
      "xjp.toml:6: providers.openai.headers.x-key: found an array, expected a string",
      "xjp.toml:6: providers.openai.headers.ok: holds a line end or another character that no HTTP header can carry",
      'xjp.toml:8: providers.openai.base_url: found file:secret, expected a URL such as "https://host/v1"',
      "environment: OPENAI_API_KEY: holds a line end or a character that no header can carry",
    ]);
  });

  test("lists all faults of file, environment and flags at once, one for each field", async () => {
    const lines = await report(
      '[server]\nprot = 1\nhost = ""\n[models.a.primary]\nprovider = "opnai"\nprovider_model_id = 5\n',
      {
        env: {
          XJP_LOG: "loud",
          XJP_LOG_FORMAT: "jsn",
          DATABASE_URL: "oracle:x",
          GROQ_BASE_URL: "x",
        },
        flags: { port: "70000" },
      },
    );
    expect(lines.map((line) => line.split(": ").slice(0, 2).join(": "))).toEqual([
      "xjp.toml:2: server.prot",
      "xjp.toml:3: server.host",
      "xjp.toml:5: models.a.primary.provider",
      "xjp.toml:6: models.a.primary.provider_model_id",
      "command line: --port",
      "environment: DATABASE_URL",
      "environment: XJP_LOG",
      "environment: XJP_LOG_FORMAT",
      "environment: GROQ_BASE_URL",
    ]);
  });

  test("names the variable, what was found and what was expected", async () => {
    expect(await report("", { env: { PORT: "abc" } })).toEqual([
      'environment: PORT: found "abc", expected a port from 1 to 65535, or 0 for any free one',
    ]);
    expect(await report("", { env: { XJP_LOG: "warning" } })).toEqual([
      'environment: XJP_LOG: found "warning", expected one of debug, info, warn, error',
    ]);
    expect(await report("", { flags: { database: "mydb" } })).toEqual([
      "command line: --database: found text without a scheme, expected sqlite:PATH or postgres://USER@HOST/NAME",
    ]);
  });

  test("still speaks of the environment when the file is no TOML", async () => {
    expect(await report("a =", { env: { PORT: "-1" } })).toEqual([
      expect.stringContaining("xjp.toml:1: not valid TOML"),
      "environment: PORT: found -1, expected a port from 1 to 65535, or 0 for any free one",
    ]);
  });

  test("lists faults of a broken route and of its good neighbours alike", async () => {
    const lines = await report(`
[[models.a.routes]]
provider = "nobody"
[[models.a.routes]]
provider = 5
provider_model_id = "x"
[[models.a.routes]]
provider = "nowhere"
provider_model_id = "x"
`);
    expect(lines.map((line) => line.split(": ").slice(0, 2).join(": "))).toEqual([
      "xjp.toml:2: models.a.routes[0].provider_model_id",
      "xjp.toml:3: models.a.routes[0].provider",
      "xjp.toml:5: models.a.routes[1].provider",
      "xjp.toml:8: models.a.routes[2].provider",
    ]);
  });

  test("does not complain of missing routes where a name is only misspelled", async () => {
    expect(await report('[models.a.primry]\nprovider = "openai"\n')).toEqual([
      'xjp.toml:1: models.a.primry: unknown field, expected one of primary, fallback, routes, recovery, affinity, limits; did you mean "primary"?',
    ]);
  });

  test("calls the file by its whole path when it is somewhere else", async () => {
    const { cwd, env } = inputFor("[sever]\n");
    const lines = await reportOf({
      flags: {},
      cwd: "/",
      env: { ...env, XJP_CONFIG: `${cwd}/xjp.toml` },
    });
    expect(lines[0]).toStartWith(`${`${cwd}/xjp.toml`.slice(1)}:1: sever: `);
  });

  test("leaves good files alone, also large ones", async () => {
    const models = Array.from(
      { length: 500 },
      (_, index) => `[models.m${index}.primary]\nprovider = "openai"\nprovider_model_id = "x"\n`,
    );
    const config = await load(models.join(""), { env: { OPENAI_API_KEY: "k" } });
    expect(config.models).toHaveLength(500);
    expect(config.warnings).toEqual([]);
  });
});
