import type { Connector } from "../connectors/connector.ts";
import { type Log, messageOf } from "./observe/log.ts";

/** Nobody waits for it, but the log should tell while whoever started the server still looks at it. */
const PATIENCE_MS = 5000;

/** Warns of each provider that cannot be reached. Never rejects, and holds nothing up. */
export async function warnOfUnreachable(
  connectors: Iterable<Connector>,
  log: Pick<Log, "warn">,
): Promise<void> {
  await Promise.all(
    Array.from(connectors, async ({ name, reach }) => {
      try {
        await reach?.(PATIENCE_MS);
      } catch (error) {
        log.warn("provider cannot be reached", { provider: name, error: messageOf(error) });
      }
    }),
  );
}
