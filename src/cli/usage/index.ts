import { defineGroup } from "../_command.ts";

export const usage = defineGroup({
  about: "what was used and what it cost",
  commands: { report: async () => (await import("./report.ts")).report },
  examples: ["xjp usage report --since 7d --by model"],
});
