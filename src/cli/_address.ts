import type { Config } from "../server/config/config.ts";

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

/** A model that a first request may ask for: one of `scope` if the key is bound to some, else the first that is configured. */
export function exampleModel(config: Config, scope: readonly string[] | null): string {
  const named = scope?.find((model) => !model.endsWith("*")) ?? config.models[0]?.name;
  if (named !== undefined) return named;
  const first = config.providers[0];
  if (first === undefined) return "MODEL";
  return first.kind === "demo" ? `${first.name}/story` : `${first.name}/MODEL`;
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
