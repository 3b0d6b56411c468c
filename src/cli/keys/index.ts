import { defineGroup } from "../_command.ts";

export const keys = defineGroup({
  about: "list, show, revoke and rotate API keys",
  commands: {
    list: async () => (await import("./list.ts")).list,
    show: async () => (await import("./show.ts")).show,
    revoke: async () => (await import("./revoke.ts")).revoke,
    rotate: async () => (await import("./rotate.ts")).rotate,
  },
  examples: ["xjp keys list --tenant acme", "xjp keys revoke XJP_1a2b3c4d --yes"],
});
