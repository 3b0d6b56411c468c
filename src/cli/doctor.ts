import { defineCommand, jsonFlag, storeFlags } from "./_command.ts";

export const doctor = defineCommand({
  about: "check everything that the gateway needs on this machine",
  args: { ...jsonFlag, ...storeFlags },
  notes: [
    "Looks and changes nothing. Each provider is asked for its list of models, with its key.",
    "Exit 0 when nothing is wrong (warnings are not), 1 otherwise.",
  ].join("\n"),
  examples: ["xjp doctor", "xjp doctor --json | jq '.checks[] | select(.state != \"ok\")'"],
  async run(values, { terminal }) {
    const { examine } = await import("./doctor/_examine.ts");
    const { findingLine } = await import("./doctor/_finding.ts");
    const findings = [];
    for await (const finding of examine(values)) {
      findings.push(finding);
      if (!values.json) terminal.result(findingLine(finding, terminal.paint));
    }
    const ok = findings.every(({ state }) => state !== "fail");
    if (values.json) terminal.json({ ok, checks: findings });
    return ok ? 0 : 1;
  },
});
