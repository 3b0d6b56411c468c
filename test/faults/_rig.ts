/** The built binary between two scripted providers, and one look at everything that a request leaves behind. */
import { type JsonObject } from "../../src/connectors/hub/json.ts";
import { PATIENT } from "../support/config-text.ts";
import { type Gateway, startGateway } from "../support/gateway.ts";
import { usageRowOf } from "../support/usage-rows.ts";
import { type Door, openaiDoor, type Told } from "./_doors.ts";
import { INPUT_TOKENS, type Logged, type Provider, startProvider } from "./_provider.ts";
import { parseObject } from "../support/json.ts";

/** Dollars per million tokens, so that a token costs as many thousand nano-dollars. */
const PRICE = { input: 1, output: 3 };

/** TOML: timers that run out soon enough for a test and late enough for a busy machine. */
export const QUICK = `[timeouts]
connect_ms = 500
headers_ms = 400
first_event_ms = 400
idle_ms = 400
total_ms = 20000`;

export type ModelText = {
  /** TOML fields of the model. */
  readonly fields?: string;
  /** The provider of all its routes, instead of `one` and `two`. */
  readonly provider?: "keys";
  /** TOML fields of each route, the first on provider `one`, the second on `two`; two retries each unless said. */
  readonly routes?: readonly string[];
};

export type FaultRig = {
  readonly gateway: Gateway;
  readonly key: string;
  /** Behind the first route of every model. */
  readonly one: Provider;
  /** Behind the second. */
  readonly two: Provider;
  /** Behind models that say so; it has three keys. */
  readonly keys: Provider;
  /** Asks and waits for the end of everything. */
  ask(model: string, options?: AskOptions): Promise<Outcome>;
  /** Asks and waits for the end of the answer; its row comes by and by. */
  send(model: string, options?: AskOptions): Promise<Sent>;
  stop(): Promise<void>;
};

export type AskOptions = {
  readonly door?: Door;
  readonly stream?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: JsonObject;
};

/** What the client saw, what the providers saw, and how long it took. */
export type Sent = Told & {
  readonly requestId: string;
  readonly status: number;
  readonly headers: Headers;
  /** Milliseconds to the last byte. */
  readonly ms: number;
  readonly bytes: string;
  readonly one: readonly Logged[];
  readonly two: readonly Logged[];
};

/** The same, and what was billed. */
export type Outcome = Sent & { readonly row: JsonObject };

/** Starts it with these models; a model's name is also the providers' name for it, so each has circuits of its own. */
export async function startFaultRig(
  models: Readonly<Record<string, ModelText>>,
  more = `${QUICK}\n${PATIENT}`,
): Promise<FaultRig> {
  const one = startProvider();
  const two = startProvider();
  const keys = startProvider();
  const stopProviders = (): void => {
    for (const provider of [one, two, keys]) provider.stop();
  };
  try {
    const gateway = await startGateway({ config: configOf(models, { one, two, keys }, more) });
    const { key } = await gateway.makeKey();
    let asked = 0;
    const send: FaultRig["send"] = async (
      model,
      { door = openaiDoor, stream = false, headers = {}, body = {} } = {},
    ) => {
      asked += 1;
      const requestId = `${model}-${asked}`;
      const seen = [one.log(model).length, two.log(model).length] as const;
      const startedAt = performance.now();
      const response = await fetch(`${gateway.url}${door.path}`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${key}`,
          "content-type": "application/json",
          "x-request-id": requestId,
          ...headers,
        },
        body: JSON.stringify({ ...door.body(model, stream), ...body }),
      });
      const bytes = await response.text();
      const ms = performance.now() - startedAt;
      const isStream = response.headers.get("content-type")?.includes("event-stream") === true;
      return {
        requestId,
        ...(isStream ? door.readStream(bytes) : door.readWhole(parseObject(bytes))),
        status: response.status,
        headers: response.headers,
        ms,
        bytes,
        one: one.log(model).slice(seen[0]),
        two: two.log(model).slice(seen[1]),
      };
    };
    return {
      gateway,
      key,
      one,
      two,
      keys,
      send,
      async ask(model, options) {
        const sent = await send(model, options);
        return { ...sent, row: await usageRowOf(gateway.database, sent.requestId) };
      },
      async stop() {
        await gateway.stop();
        stopProviders();
      },
    };
  } catch (error) {
    stopProviders();
    throw error;
  }
}

/** What a usage row says of the tokens that these calls took, by the provider's own account. */
export function billed(...calls: readonly Logged[]): JsonObject {
  const input = calls.length * INPUT_TOKENS;
  const output = calls.reduce((sum, call) => sum + call.words, 0);
  return {
    input_tokens: input,
    output_tokens: output,
    cost_nano_usd: (input * PRICE.input + output * PRICE.output) * 1000,
    estimated: 0,
  };
}

function configOf(
  models: Readonly<Record<string, ModelText>>,
  providers: Readonly<Record<"one" | "two" | "keys", Provider>>,
  more: string,
): string {
  const lines = [more];
  for (const [name, { url }] of Object.entries(providers)) {
    lines.push(`[providers.${name}]`, 'kind = "openai-compatible"', `base_url = "${url}"`);
    if (name === "keys") lines.push('api_keys = ["key-one", "key-two", "key-three"]');
  }
  for (const [name, { fields = "", provider, routes = ["", ""] }] of Object.entries(models)) {
    lines.push(`[models.${name}]`, fields);
    for (const [index, route] of routes.entries()) {
      const retry = route.includes("retry") ? "" : "retry = { max_retries = 2, backoff_ms = 20 }";
      lines.push(
        `[[models.${name}.routes]]`,
        `provider = "${provider ?? (index === 0 ? "one" : "two")}"`,
        `provider_model_id = "${name}"`,
        retry,
        route,
      );
    }
    lines.push(`[prices.${name}]`, `input = ${PRICE.input}`, `output = ${PRICE.output}`);
  }
  return lines.join("\n");
}
