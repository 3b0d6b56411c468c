import { defineCommand, jsonFlag, storeFlags } from "../_command.ts";
import { UsageError } from "../_error.ts";

export const check = defineCommand({
  about: "check the configuration that serve would use, and sum it up",
  args: {
    file: {
      type: "positional",
      required: false,
      valueHint: "FILE",
      description: "configuration file; without it the one that serve would find",
    },
    ...jsonFlag,
    ...storeFlags,
  },
  notes: "The environment is checked along with the file. Exit 0: usable, 1: faults, one a line.",
  examples: ["xjp config check", "xjp config check /etc/xjp/xjp.toml", "xjp config check --json"],
  async run({ file, config, database, json }, { terminal }) {
    if (file !== undefined && config !== undefined) {
      throw new UsageError("found a FILE and --config: give the file once");
    }
    const { ConfigError } = await import("../../server/config/load.ts");
    const { configure } = await import("../_store.ts");
    const { summarize, summaryJson } = await import("./_summary.ts");
    try {
      const resolved = await configure({ config: config ?? file, database });
      if (json) terminal.json(summaryJson(resolved));
      else terminal.result(summarize(resolved, terminal.paint));
      return 0;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (json) terminal.json({ ok: false, faults: error.faults });
      else terminal.error(error.message);
      return 1;
    }
  },
});
