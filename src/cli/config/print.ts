import { defineCommand, jsonFlag, storeFlags } from "../_command.ts";

export const print = defineCommand({
  about: "print the configuration in force, secrets masked",
  args: { ...jsonFlag, ...storeFlags },
  notes: "Comments say where each value comes from: file and line, variable, flag or default.",
  examples: ["xjp config print", "xjp config print --json | jq .timeouts"],
  async run({ json, config, database }, { terminal }) {
    const { loadWithSources } = await import("../../server/config/load.ts");
    const loaded = await loadWithSources({
      flags: {
        ...(config === undefined ? {} : { config }),
        ...(database === undefined ? {} : { database }),
      },
      env: process.env,
      cwd: process.cwd(),
    });
    if (json) {
      const { toFileShape } = await import("../../server/config/file-shape.ts");
      const { file, warnings } = loaded.config;
      terminal.json({ file: file ?? null, warnings, ...toFileShape(loaded.config) });
    } else {
      const { printConfig } = await import("../../server/config/print.ts");
      terminal.result(printConfig(loaded));
    }
  },
});
