import type { TenantConfig } from "../config/config.ts";
import type { KeyRecord } from "../store/store.ts";

/** Who asks for a model. */
export type Asker = Pick<KeyRecord, "tenantId" | "models">;

/** Whether a list covers a model; a trailing `*` stands for any rest. */
function covers(list: readonly string[], model: string): boolean {
  return list.some((allowed) =>
    allowed.endsWith("*") ? model.startsWith(allowed.slice(0, -1)) : model === allowed,
  );
}

/** Whose list does not cover a model, neither under the asked name nor under the one that it stands for. */
export function refusalOf(
  asked: string,
  name: string,
  key: Pick<KeyRecord, "models">,
  tenant: TenantConfig | undefined,
): string | undefined {
  const isIn = (list: readonly string[]): boolean => covers(list, asked) || covers(list, name);
  if (tenant?.models !== undefined && !isIn(tenant.models)) return "this key's tenant";
  return key.models !== null && !isIn(key.models) ? "this key" : undefined;
}

/** The model that a name stands for with this tenant, if it stands for one. */
export function aliasOf(name: string, tenant: TenantConfig | undefined): string | undefined {
  const aliases = tenant?.aliases;
  return aliases && Object.hasOwn(aliases, name) ? aliases[name] : undefined;
}

/** The names that this tenant has given to models. */
export function aliasesOf(tenant: TenantConfig | undefined): readonly string[] {
  return Object.keys(tenant?.aliases ?? {});
}
