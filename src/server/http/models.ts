import { ChatError } from "../../connectors/hub/error.ts";
import type { Dialect } from "../../connectors/hub/request.ts";
import type { Config } from "../config/config.ts";
import type { Catalog } from "../gateway/catalog.ts";
import type { KeyRecord } from "../store/store.ts";
import type { Offers } from "../gateway/offers.ts";
import { requestIdHeaders } from "./headers.ts";

/** What is told of one model. Times are Unix seconds. */
type Entry = {
  readonly id: string;
  readonly created: number;
  readonly owner: string;
  readonly title?: string | undefined;
};

/** Who asks, and in which dialect: the lists come in OpenAI's shape, or in Anthropic's for clients that speak it. */
export type Asker = {
  readonly caller: KeyRecord;
  readonly dialect: Dialect;
  readonly requestId: string;
};

export type Models = {
  list(asker: Asker): Promise<Response>;
  /** Throws ChatError `not-found`. */
  show(id: string, asker: Asker): Promise<Response>;
};

/** `GET /v1/models`: what this key may use. `startedAt` (Unix seconds) stands in where a provider tells no date. */
export function createModels(
  catalog: Catalog,
  offers: Offers,
  config: Pick<Config, "models">,
  startedAt: number,
): Models {
  const owners = new Map(
    config.models.map((model) => [model.name, model.routes[0]?.provider ?? "xjp"]),
  );
  const entries = async (caller: KeyRecord): Promise<readonly Entry[]> => {
    const configured = catalog
      .list(caller)
      .map((id) => ({ id, created: startedAt, owner: owners.get(id) ?? "xjp" }));
    const offered = await Promise.all(
      catalog.open.map(async (provider) => {
        const models = await offers.of(provider);
        return models
          .map((model) => ({
            id: `${provider}/${model.id}`,
            created: model.created ?? startedAt,
            owner: provider,
            title: model.displayName,
          }))
          .filter((model) => catalog.allows(model.id, caller));
      }),
    );
    return [...configured, ...offered.flat()];
  };
  return {
    async list(asker) {
      const all = await entries(asker.caller);
      if (!isAnthropic(asker)) return answer(asker, { object: "list", data: all.map(asOpenAI) });
      // The whole list at once: there never is a further page to ask for.
      const data = all.map(asAnthropic);
      const ids = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
      return answer(asker, { data, has_more: false, ...ids });
    },
    async show(id, asker) {
      const { caller } = asker;
      const shape = isAnthropic(asker) ? asAnthropic : asOpenAI;
      const found = (await entries(caller)).find((model) => model.id === id);
      if (found) return answer(asker, shape(found));
      // Tells unknown from forbidden, with the nearest name; and a provider need not list all that it serves.
      const [route] = catalog.resolve(id, caller);
      if (route && !offers.lack(route.provider, route.model))
        return answer(asker, shape({ id, created: startedAt, owner: route.provider }));
      throw new ChatError("not-found", `the model \`${id}\` does not exist`, {
        code: "model_not_found",
      });
    },
  };
}

function isAnthropic({ dialect }: Asker): boolean {
  return dialect === "anthropic-messages";
}

function answer({ dialect, requestId }: Asker, body: object): Response {
  return Response.json(body, { headers: requestIdHeaders(dialect, requestId) });
}

/** https://platform.openai.com/docs/api-reference/models/object */
function asOpenAI({ id, created, owner }: Entry) {
  return { id, object: "model", created, owned_by: owner };
}

/** https://docs.anthropic.com/en/api/models-list */
function asAnthropic({ id, created, title }: Entry) {
  const time = new Date(created * 1000).toISOString();
  return { type: "model", id, display_name: title ?? id, created_at: time };
}
