/**
 * Everything of a running server that follows from its configuration. A reload makes a new generation beside the old one and
 * lets it answer from then on; requests that the old one has begun stay with it.
 */
import type { Connector } from "../connectors/connector.ts";
import { createConnector } from "../connectors/index.ts";
import { createDownloader } from "../connectors/net/download.ts";
import type { MediaRoom } from "../connectors/net/media-room.ts";
import type { Config, ProviderConfig } from "./config/config.ts";
import type { Breaker } from "./gateway/breaker.ts";
import { createCatalog } from "./gateway/catalog.ts";
import { createTokenCounting } from "./gateway/count-tokens.ts";
import { createGateway, type GatewayDeps } from "./gateway/gateway.ts";
import type { Idempotency } from "./gateway/idempotency.ts";
import type { Limiter } from "./gateway/limits.ts";
import type { Vault } from "./gateway/vault.ts";
import { createOffers } from "./gateway/offers.ts";
import { createAdmin } from "./http/admin.ts";
import { createApp } from "./http/app.ts";
import type { Authenticator } from "./http/auth.ts";
import type { InFlight } from "./http/in-flight.ts";
import { createModels } from "./http/models.ts";
import type { Probed } from "./http/probes.ts";
import { type Log, messageOf } from "./observe/log.ts";
import type { Metrics } from "./observe/metrics.ts";

/** What outlives every configuration. */
export type House = {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly inFlight: InFlight;
  readonly breaker: Breaker;
  readonly limiter: Limiter;
  readonly idempotency: Idempotency;
  readonly vault: Vault;
  readonly mediaRoom: MediaRoom;
  readonly authenticator: Authenticator;
  readonly probed: Omit<Probed, "warnings">;
  /** How many seconds of silence a request's connection may have from now on; 0 is any. */
  readonly setPatience: (request: Request, seconds: number) => void;
  readonly clock: () => number;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly begin: GatewayDeps["begin"];
  readonly record: GatewayDeps["record"];
};

export type Generation = {
  readonly config: Config;
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** Its connectors by the name of their provider. */
  readonly connectors: ReadonlyMap<string, Connector>;
  /** Closes what no later generation has taken over; idle connections only, so requests under way go on. */
  retire(heir?: Generation): void;
};

/**
 * Makes a generation. Connectors of providers that have not changed are taken over from the one before, with their connections
 * and with what they know of their keys. Throws Error for a provider that cannot be made.
 */
export function createGeneration(config: Config, house: House, before?: Generation): Generation {
  const { clock, log, metrics } = house;
  const connectors = new Map<string, Connector>(
    config.providers.map((provider) => [provider.name, inherit(provider, config, house, before)]),
  );
  const catalog = createCatalog(config, Math.random, (target) => {
    const connector = connectors.get(target.provider);
    if (!connector) throw new Error(`no connector for provider ${target.provider}`);
    return connector.capabilities(target);
  });
  const gateway = createGateway({
    config,
    catalog,
    connectors,
    breaker: house.breaker,
    limiter: house.limiter,
    vault: house.vault,
    metrics,
    timeouts: config.timeouts,
    clock,
    random: Math.random,
    begin: house.begin,
    record: house.record,
    maxAttempts: config.retry.maxAttempts,
    onAttempt: (provider, outcome, timer) => metrics.attempted(provider, outcome, timer),
    onMalformed: (provider) => metrics.malformed(provider),
  });
  const offers = createOffers(connectors, clock, (provider, error) =>
    log.warn("model list", { provider, error: messageOf(error) }),
  );
  const app = createApp({
    gateway,
    metrics,
    log,
    inFlight: house.inFlight,
    idempotency: house.idempotency,
    maxAnswerBytes: config.idempotency.maxAnswerBytes,
    clock,
    maxBodyBytes: config.limits.maxBodyBytes,
    maxDepth: config.limits.maxDepth,
    onArrived: (request) => house.setPatience(request, 0),
    keepAliveMs: config.server.keepAliveMs,
    slowReaderMs: config.server.slowReaderMs,
    hangUp: (request) => house.setPatience(request, 1),
    totalMs: config.timeouts.totalMs,
    cors: config.cors,
    authenticator: house.authenticator,
    admin: createAdmin({
      token: config.server.adminToken,
      catalog,
      breaker: house.breaker,
      authenticator: house.authenticator,
    }),
    counting: createTokenCounting({ catalog, connectors, timeouts: config.timeouts }),
    models: createModels(catalog, offers, config, Math.floor(house.startedAt / 1000)),
    probed: { ...house.probed, warnings: config.warnings },
  });
  return {
    config,
    fetch: app.fetch,
    connectors,
    retire(heir) {
      for (const [name, connector] of connectors) {
        if (heir?.connectors.get(name) !== connector) connector.close();
      }
    },
  };
}

function inherit(
  provider: ProviderConfig,
  { media }: Config,
  { mediaRoom }: House,
  before: Generation | undefined,
): Connector {
  const known = before?.config.providers.find(({ name }) => name === provider.name);
  const connector = before?.connectors.get(provider.name);
  const isSame = Bun.deepEquals([known, before?.config.media], [provider, media]);
  if (connector && isSame) return connector;
  const download = media.fetchUrls
    ? createDownloader({ limits: () => media, room: mediaRoom })
    : undefined;
  return createConnector({ ...provider, ...(download === undefined ? {} : { download }) });
}
