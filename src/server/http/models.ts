import { ChatError } from "../../connectors/hub/error.ts";
import type { Config } from "../config/config.ts";
import { type Catalog, mayUse } from "../gateway/catalog.ts";
import type { KeyRecord } from "../store/store.ts";
import type { Offers } from "../gateway/offers.ts";

/** One model in OpenAI's shape. */
type ModelEntry = {
  readonly id: string;
  readonly object: "model";
  readonly created: number;
  readonly owned_by: string;
};

export type Models = {
  list(caller: KeyRecord): Promise<Response>;
  /** Throws ChatError `not-found`. */
  show(id: string, caller: KeyRecord): Promise<Response>;
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
  const entries = async (caller: KeyRecord): Promise<readonly ModelEntry[]> => {
    const configured = catalog.list(caller).map((id) => entry(id, startedAt, owners.get(id)));
    const offered = await Promise.all(
      catalog.open.map(async (provider) => {
        const models = await offers.of(provider);
        return models
          .map((model) => entry(`${provider}/${model.id}`, model.created ?? startedAt, provider))
          .filter((model) => mayUse(caller, model.id));
      }),
    );
    return [...configured, ...offered.flat()];
  };
  return {
    async list(caller) {
      return Response.json({ object: "list", data: await entries(caller) });
    },
    async show(id, caller) {
      const found = (await entries(caller)).find((model) => model.id === id);
      if (found) return Response.json(found);
      // Tells unknown from forbidden, with the nearest name; and a provider need not list all that it serves.
      const [route] = catalog.resolve(id, caller);
      if (route) return Response.json(entry(id, startedAt, route.provider));
      throw new ChatError("not-found", `the model \`${id}\` does not exist`, {
        code: "model_not_found",
      });
    },
  };
}

function entry(id: string, created: number, owner = "xjp"): ModelEntry {
  return { id, object: "model", created, owned_by: owner };
}
