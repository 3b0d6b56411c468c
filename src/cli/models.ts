import { defineCommand, jsonFlag, storeFlags } from "./_command.ts";
import { UsageError } from "./_error.ts";
import { gatewayFlags, listModels, readGateway } from "./_gateway.ts";

export const models = defineCommand({
  about: "list the models that a gateway offers to a key, or explain where one would go",
  args: {
    explain: {
      type: "string",
      valueHint: "MODEL",
      description:
        "say which targets a request for it would try, in which order, and why not others",
    },
    tenant: {
      type: "string",
      valueHint: "TENANT",
      description: "explain for the keys of this tenant",
    },
    needs: {
      type: "string",
      valueHint: "tools,…",
      description: "explain for a request with tools, images, files, audio, video or json_schema",
    },
    session: {
      type: "string",
      valueHint: "NAME",
      description: "explain for this conversation, where routes have weights",
    },
    ...jsonFlag,
    ...gatewayFlags,
    ...storeFlags,
  },
  notes:
    "With XJP_ADMIN_TOKEN set the running gateway explains, and knows its circuits; else the configuration does.",
  examples: [
    "xjp models",
    "xjp models --json | jq -r '.[].id'",
    "xjp models --explain claude-sonnet-4.5 --tenant acme --needs tools,files",
  ],
  async run(values, { terminal }) {
    const { explain, tenant, needs, session } = values;
    if (explain !== undefined) {
      const { explainModel } = await import("./models/_explain.ts");
      return explainModel({ ...values, model: explain }, terminal);
    }
    const lone = Object.entries({ tenant, needs, session }).find(
      ([, value]) => value !== undefined,
    );
    if (lone) throw new UsageError(`--${lone[0]} says more of --explain MODEL, which is missing`);
    const gateway = readGateway(values, process.env);
    const found = await listModels(gateway);
    if (values.json) {
      terminal.json(found);
      return 0;
    }
    for (const { id } of found) terminal.result(id);
    if (found.length === 0) terminal.info(`the gateway at ${gateway.url} lists no models`);
    return 0;
  },
});
