import { defineCommand, jsonFlag } from "./_command.ts";
import { gatewayFlags, listModels, readGateway } from "./_gateway.ts";

export const models = defineCommand({
  about: "list the models that a running gateway offers to a key",
  args: { ...jsonFlag, ...gatewayFlags },
  examples: ["xjp models", "xjp models --json | jq -r '.[].id'"],
  async run(values, { terminal }) {
    const gateway = readGateway(values, process.env);
    const found = await listModels(gateway);
    if (values.json) {
      terminal.json(found);
      return;
    }
    for (const { id } of found) terminal.result(id);
    if (found.length === 0) terminal.info(`the gateway at ${gateway.url} lists no models`);
  },
});
