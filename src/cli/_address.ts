import type { Config } from "../server/config/config.ts";
import { aliasOf, refusalOf } from "../server/gateway/access.ts";
import type { KeyRecord } from "../server/store/store.ts";

/** An address as URLs have it: one of IPv6 stands in brackets. */
export function hostAndPort({ host, port }: Pick<Config["server"], "host" | "port">): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** Where a client on this machine reaches the gateway: `http://127.0.0.1:8080`. */
export function localUrl(server: Pick<Config["server"], "host" | "port">): string {
  const everywhere = server.host === "0.0.0.0" || server.host === "::" || server.host === "";
  const host = everywhere ? "127.0.0.1" : server.host;
  return `http://${hostAndPort({ host, port: server.port })}`;
}

/** A model that a first request with this key may ask for: one that it is bound to, or the first of the configuration. */
export function exampleModel(config: Config, key: Pick<KeyRecord, "tenantId" | "models">): string {
  const tenant = config.tenants[key.tenantId];
  const mayAsk = (model: string): boolean =>
    refusalOf(model, aliasOf(model, tenant) ?? model, key, tenant) === undefined;
  const addressed = config.providers.map(({ name, kind }) =>
    kind === "demo" ? `${name}/story` : `${name}/MODEL`,
  );
  const named = [
    ...(key.models ?? []).filter((model) => !model.endsWith("*")),
    ...config.models.map(({ name }) => name),
    ...(config.models.length === 0 ? addressed : []),
  ];
  return named.find(mayAsk) ?? "MODEL";
}

/** A `curl` command that asks the gateway something, ready to be pasted into a shell. */
export function curlLine(ask: {
  readonly url: string;
  readonly key: string;
  readonly model: string;
  readonly stream?: boolean;
}): string {
  const body = JSON.stringify({
    model: ask.model,
    ...(ask.stream === true ? { stream: true } : {}),
    messages: [{ role: "user", content: "Hello!" }],
  });
  return [
    `curl ${ask.stream === true ? "-N " : ""}${ask.url}/v1/chat/completions \\`,
    `  -H "Authorization: Bearer ${ask.key}" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d '${body.replaceAll("'", String.raw`'\''`)}'`,
  ].join("\n");
}
