import { isJsonObject, type JsonObject } from "../../connectors/hub/json.ts";
import { digits } from "../_number.ts";
import { CommandError, UsageError } from "../_error.ts";
import { messageOf, parseJson, readGateway, reasonOf } from "../_gateway.ts";
import { details, table } from "../_table.ts";
import type { Terminal } from "../_terminal.ts";

export type ExplainFlags = {
  readonly model: string;
  readonly tenant: string | undefined;
  readonly needs: string | undefined;
  readonly session: string | undefined;
  readonly json: boolean;
  readonly url: string | undefined;
  readonly key: string | undefined;
  readonly config: string | undefined;
  readonly database: string | undefined;
};

/** What the admin API tells; see `gateway/explain.ts`. */
type Told = {
  readonly model: string;
  readonly standsFor: string;
  readonly recovery: string;
  readonly tenant: string | null;
  readonly targets: readonly {
    readonly order: number;
    readonly target: string;
    readonly share: number | null;
    readonly circuit: string;
    readonly contextTokens: number | null;
  }[];
  readonly passedOver: readonly { readonly target: string; readonly reason: string }[];
};

/** Says where requests for a model would go: the running gateway does if it may be asked, else the configuration. */
export async function explainModel(flags: ExplainFlags, terminal: Terminal): Promise<0 | 1> {
  if (flags.tenant !== undefined && flags.key !== undefined)
    throw new UsageError("found --tenant and --key: a key has its tenant");
  const token = process.env["XJP_ADMIN_TOKEN"];
  const isLocal = !token || flags.config !== undefined || flags.database !== undefined;
  const told = isLocal ? await explainLocally(flags) : await askGateway(flags, token);
  if (flags.json) {
    terminal.json(told);
    return told.targets.length > 0 ? 0 : 1;
  }
  terminal.result(render(told, terminal));
  if (isLocal)
    terminal.info("circuits are known to a running gateway only: set XJP_ADMIN_TOKEN to ask it");
  return told.targets.length > 0 ? 0 : 1;
}

function render(told: Told, { columns, paint }: Pick<Terminal, "columns" | "paint">): string {
  const { model, standsFor, tenant, recovery, targets, passedOver } = told;
  const forWhom = tenant === null ? "" : ` for tenant ${tenant}`;
  const alias = model === standsFor ? "" : ` stands for ${standsFor}`;
  const whole = recovery === "error" ? "" : `; broken streams: ${recovery}`;
  const rows = targets.map((each) => [
    String(each.order),
    each.target,
    each.share === null ? "" : `${Math.round(each.share * 100)} %`,
    each.circuit,
    each.contextTokens === null ? "" : digits(each.contextTokens),
  ]);
  const titles = table(
    [
      { title: "ORDER", align: "right" },
      { title: "TARGET" },
      { title: "FIRST", align: "right" },
      { title: "CIRCUIT" },
      { title: "CONTEXT", align: "right" },
    ],
    rows,
    { columns, heading: (text) => paint("bold", text) },
  );
  return [
    `${model}${alias}${forWhom}${whole}`,
    "",
    targets.length === 0 ? "no target would be tried" : titles,
    ...(passedOver.length === 0
      ? []
      : [
          "",
          paint("bold", "not tried"),
          details(passedOver.map(({ target, reason }) => [target, reason])),
        ]),
  ].join("\n");
}

async function askGateway(flags: ExplainFlags, token: string): Promise<Told> {
  const { url } = readGateway(flags, process.env);
  const { model, tenant, needs, session, key } = flags;
  const query = new URLSearchParams({
    model,
    ...(tenant === undefined ? {} : { tenant }),
    ...(needs === undefined ? {} : { needs }),
    ...(session === undefined ? {} : { session }),
  });
  let response: Response;
  try {
    response = await fetch(`${url}/admin/routes/explain?${query.toString()}`, {
      headers: {
        authorization: `Bearer ${token}`,
        ...(key === undefined ? {} : { "x-api-key": key }),
      },
    });
  } catch (error) {
    throw new CommandError(
      `no gateway answers at ${url} (${reasonOf(error)}): start one with xjp serve, set XJP_URL, or unset XJP_ADMIN_TOKEN to let the configuration explain`,
      { cause: error },
    );
  }
  const body = parseJson(await response.text());
  if (!response.ok || !isTold(body)) {
    const message = messageOf(body) ?? response.statusText;
    throw new CommandError(`${message} (status ${response.status} from ${url})`);
  }
  return body;
}

function isTold(body: unknown): body is Told & JsonObject {
  return isJsonObject(body) && Array.isArray(body["targets"]) && Array.isArray(body["passedOver"]);
}

async function explainLocally(flags: ExplainFlags): Promise<Told> {
  const { configure, withStore } = await import("../_store.ts");
  const { findKey } = await import("../keys/_find.ts");
  const { createConnector } = await import("../../connectors/index.ts");
  const { ChatError } = await import("../../connectors/hub/error.ts");
  const { createCatalog } = await import("../../server/gateway/catalog.ts");
  const { explain } = await import("../../server/gateway/explain.ts");
  const { NEEDS } = await import("../../server/gateway/conditions.ts");
  const names = (flags.needs ?? "").split(",").filter((name) => name !== "");
  const needs = NEEDS.filter((need) => names.includes(need));
  const unknown = names.find((name) => !NEEDS.some((need) => need === name));
  if (unknown !== undefined)
    throw new UsageError(`--needs: found "${unknown}", expected some of ${NEEDS.join(", ")}`);

  const { key } = flags;
  const asker =
    key === undefined
      ? { tenantId: flags.tenant ?? "", models: null }
      : await withStore(flags, (store) => findKey(store, key, Date.now()));
  const config = await configure(flags);
  const connectors = new Map(config.providers.map((each) => [each.name, createConnector(each)]));
  try {
    const catalog = createCatalog(config, Math.random, (target) => {
      const connector = connectors.get(target.provider);
      if (!connector) throw new Error(`no connector for provider ${target.provider}`);
      return connector.capabilities(target);
    });
    const { model, session } = flags;
    const told = explain(catalog, undefined, { model, asker, needs, tokens: undefined, session });
    return { ...told, tenant: asker.tenantId === "" ? null : asker.tenantId };
  } catch (error) {
    if (error instanceof ChatError) throw new CommandError(error.message, { cause: error });
    throw error;
  } finally {
    for (const connector of connectors.values()) connector.close();
  }
}
