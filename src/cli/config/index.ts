import { defineGroup } from "../_command.ts";

export const config = defineGroup({
  about: "check the configuration, or show what is in force",
  commands: {
    check: async () => (await import("./check.ts")).check,
    print: async () => (await import("./print.ts")).print,
  },
  examples: ["xjp config check", "xjp config print --json"],
});
