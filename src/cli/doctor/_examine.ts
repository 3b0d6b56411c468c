import type { Config } from "../../server/config/config.ts";
import { configure, type StoreFlags } from "../_store.ts";
import { programCommit, programVersion } from "../_version.ts";
import { wordsOf } from "../../server/words.ts";
import type { Finding } from "./_finding.ts";
import { checkJournal } from "./_journal.ts";
import { checkClock, checkDescriptors } from "./_machine.ts";
import { checkPort } from "./_port.ts";
import { checkProviders } from "./_providers.ts";
import { checkRedis } from "./_redis.ts";
import { checkStorage } from "./_storage.ts";

/** Every check, in the order in which one depends on another. Without a usable configuration only the machine is looked at. */
export async function* examine(flags: StoreFlags): AsyncGenerator<Finding> {
  yield { check: "version", state: "ok", found: version() };
  yield checkClock(Date.now());
  yield await checkDescriptors();
  let config: Config;
  try {
    config = await configure(flags);
  } catch (error) {
    const todo = "mend it, then run xjp doctor again: the other checks need it";
    yield { check: "config", state: "fail", found: wordsOf(error), todo };
    return;
  }
  yield { check: "config", state: "ok", found: config.file ?? "no file: environment and defaults" };
  for (const warning of config.warnings) yield { check: "config", state: "warn", found: warning };
  yield* checkStorage(config.database);
  yield* checkRedis(config.redis);
  yield checkJournal(config.usage.journalDir);
  yield* checkProviders(config.providers);
  yield await checkPort(config.server);
}

function version(): string {
  const commit = programCommit === null ? "" : ` (${programCommit})`;
  return `xjp ${programVersion}${commit}, Bun ${Bun.version}, ${process.platform} ${process.arch}`;
}
