import { defineCommand, jsonFlag, storeFlags } from "../_command.ts";
import { CommandError, UsageError } from "../_error.ts";
import { whichKey } from "./_which.ts";

export const revoke = defineCommand({
  about: "revoke an API key, within a second everywhere",
  args: {
    ...whichKey,
    yes: { type: "boolean", alias: "y", description: "do not ask" },
    ...jsonFlag,
    ...storeFlags,
  },
  notes: "A revoked key cannot be brought back. Its usage stays in the reports.",
  examples: ["xjp keys revoke XJP_1a2b3c4d", "xjp keys revoke XJP_1a2b3c4d --yes --json"],
  async run(values, { terminal }) {
    if (!values.yes && !terminal.interactive)
      throw new UsageError("nobody can be asked here: --yes revokes without asking");
    const { withStore } = await import("../_store.ts");
    const { findKey } = await import("./_find.ts");
    const { keyJson } = await import("./_describe.ts");
    return withStore(values, async (store) => {
      const now = Date.now();
      const key = await findKey(store, values.id, now);
      const called = `${key.keyPrefix}… of tenant ${key.tenantId}`;
      if (!key.isActive) throw new CommandError(`the key ${called} is revoked already`);
      if (!values.yes && !(await terminal.confirm(`Revoke the key ${called}?`))) {
        terminal.info("nothing changed");
        return 1;
      }
      const revokedAt = Date.now();
      if (!(await store.revokeKey(key.id, revokedAt)))
        throw new CommandError(`the key ${called} was revoked by somebody else just now`);
      if (values.json) terminal.json(keyJson({ ...key, isActive: false, revokedAt }, revokedAt));
      else terminal.success(`revoked the key ${called}`);
      return 0;
    });
  },
});
