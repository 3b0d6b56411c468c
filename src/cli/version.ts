import { defineCommand, jsonFlag } from "./_command.ts";
import { programCommit, programVersion } from "./_version.ts";

export const version = defineCommand({
  about: "print the version",
  args: { ...jsonFlag },
  examples: ["xjp version", "xjp version --json", "xjp --version"],
  async run({ json }, { terminal }) {
    if (json)
      terminal.json({
        version: programVersion,
        commit: programCommit,
        bun: Bun.version,
        platform: process.platform,
        architecture: process.arch,
      });
    else terminal.result(`xjp ${programVersion}`);
  },
});
