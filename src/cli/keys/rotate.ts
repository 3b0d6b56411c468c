import { defineCommand, jsonFlag, storeFlags } from "../_command.ts";
import { CommandError } from "../_error.ts";
import { readDuration, when } from "../_time.ts";
import { whichKey } from "./_which.ts";

export const rotate = defineCommand({
  about: "replace an API key by a new one with the same terms",
  args: {
    ...whichKey,
    grace: {
      type: "string",
      valueHint: "TIME",
      default: "24h",
      description: "how long the old key goes on working; 0 ends it at once",
    },
    ...jsonFlag,
    ...storeFlags,
  },
  notes:
    "The new key keeps tenant, description, limits, models and expiry; it has an id of its own.",
  examples: ["xjp keys rotate XJP_1a2b3c4d", "xjp keys rotate XJP_1a2b3c4d --grace 0 --json"],
  async run(values, { terminal }) {
    const grace = readDuration("--grace", values.grace);
    const { withStore } = await import("../_store.ts");
    const { findKey } = await import("./_find.ts");
    const { keyState } = await import("./_describe.ts");
    const { issueKey } = await import("./_issue.ts");
    const { issuedJson, printIssued } = await import("./_print.ts");
    await withStore(values, async (store, config) => {
      const now = Date.now();
      const old = await findKey(store, values.id, now);
      const state = keyState(old, now);
      if (state !== "active")
        throw new CommandError(
          `the key ${old.keyPrefix}… is ${state}: xjp keygen ${old.tenantId} makes a new one`,
        );
      const issued = issueKey(old, now);
      const oldExpiresAt = Math.min(now + grace, old.expiresAt ?? Infinity);
      await store.rotateKey(old.id, issued.record, oldExpiresAt);
      if (values.json) {
        const replaced = { id: old.id, expires_at: new Date(oldExpiresAt).toISOString() };
        terminal.json({ ...issuedJson(issued), replaces: replaced });
        return;
      }
      printIssued(issued, config, `New API key for ${old.tenantId}`, terminal);
      terminal.info(
        grace === 0
          ? `\nThe old key ${old.keyPrefix}… no longer works.`
          : `\nThe old key ${old.keyPrefix}… works until ${when(oldExpiresAt)}.`,
      );
    });
  },
});
