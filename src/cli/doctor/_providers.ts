import { ChatError } from "../../connectors/hub/error.ts";
import { createConnector } from "../../connectors/index.ts";
import type { ProviderConfig } from "../../server/config/config.ts";
import { digits } from "../_number.ts";
import { wordsOf } from "../../server/words.ts";
import type { Finding } from "./_finding.ts";

const patienceMs = 5000;

/** Asks each provider for its models, all at the same time; findings come in the configured order. */
export async function* checkProviders(
  providers: readonly ProviderConfig[],
): AsyncGenerator<Finding> {
  yield* await Promise.all(providers.map(checkProvider));
}

async function checkProvider(provider: ProviderConfig): Promise<Finding> {
  const check = "provider";
  const signal = AbortSignal.timeout(patienceMs);
  const started = performance.now();
  const took = (): string => `in ${Math.round(performance.now() - started)} ms`;
  let connector;
  try {
    connector = createConnector(provider);
    if (connector.models === undefined)
      return { check, state: "ok", found: `${provider.name} has no list of models to ask for` };
    const models = await connector.models(signal);
    const many = `${digits(models.length)} ${models.length === 1 ? "model" : "models"}`;
    return { check, state: "ok", found: `${provider.name} lists ${many} ${took()}` };
  } catch (error) {
    return { check, ...explain(provider, error, signal.aborted) };
  } finally {
    connector?.close();
  }
}

function explain(provider: ProviderConfig, error: unknown, late: boolean): Omit<Finding, "check"> {
  const { name } = provider;
  const status = error instanceof ChatError ? error.upstreamStatus : undefined;
  if (late)
    return {
      state: "fail",
      found: `${name} does not answer within ${patienceMs / 1000} s`,
      todo: "check the network, a proxy in between, and its base_url",
    };
  if (status === 401 || status === 403)
    return {
      state: "fail",
      found: `${name} does not accept the key (status ${status})`,
      todo: `set a valid api_key for providers.${name}, or its environment variable`,
    };
  if (status !== undefined && status < 500)
    return { state: "ok", found: `${name} answers, without a list of models (status ${status})` };
  return {
    state: "fail",
    found: `${name}: ${wordsOf(error)}`,
    todo: "requests go to the next route of a model, or fail, until it answers",
  };
}
