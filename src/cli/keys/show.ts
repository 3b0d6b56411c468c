import { defineCommand, jsonFlag, storeFlags } from "../_command.ts";
import { whichKey } from "./_which.ts";

export const show = defineCommand({
  about: "show one API key: its state, limits and dates",
  args: {
    ...whichKey,
    ...jsonFlag,
    ...storeFlags,
  },
  examples: [
    "xjp keys show XJP_1a2b3c4d",
    "xjp keys show 019f3a52-7f10-7cc0-9d3e-2f4f6f0c8f11 --json",
  ],
  async run(values, { terminal }) {
    const now = Date.now();
    const { withStore } = await import("../_store.ts");
    const { findKey } = await import("./_find.ts");
    const { keyDetails, keyJson } = await import("./_describe.ts");
    const { details } = await import("../_table.ts");
    const key = await withStore(values, (store) => findKey(store, values.id, now));
    if (values.json) terminal.json(keyJson(key, now));
    else terminal.result(details(keyDetails(key, now), (name) => terminal.paint("dim", name)));
  },
});
