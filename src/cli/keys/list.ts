import { defineCommand, jsonFlag, storeFlags } from "../_command.ts";

export const list = defineCommand({
  about: "list API keys, newest first",
  args: {
    tenant: { type: "string", valueHint: "T", description: "only this tenant's" },
    ...jsonFlag,
    ...storeFlags,
  },
  examples: ["xjp keys list", "xjp keys list --tenant acme --json | jq -r '.[].id'"],
  async run(values, { terminal }) {
    const { withStore } = await import("../_store.ts");
    const { tenant } = values;
    const keys = await withStore(values, (store) =>
      store.listKeys(tenant === undefined ? {} : { tenantId: tenant }),
    );
    const now = Date.now();
    const { keyJson } = await import("./_describe.ts");
    if (values.json) {
      terminal.json(keys.map((key) => keyJson(key, now)));
      return;
    }
    if (keys.length === 0) {
      const whose = tenant === undefined ? "" : ` of tenant ${tenant}`;
      terminal.info(`no keys${whose}: xjp keygen TENANT makes one`);
      return;
    }
    const { keyTable } = await import("./_list-table.ts");
    terminal.result(keyTable(keys, now, terminal));
  },
});
