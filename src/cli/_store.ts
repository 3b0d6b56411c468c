import type { Config } from "../server/config/config.ts";
import type { Store } from "../server/store/store.ts";

export type StoreFlags = {
  readonly config: string | undefined;
  readonly database: string | undefined;
};

type ServerFlags = StoreFlags & {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  readonly demo?: boolean;
};

/** The configuration as `serve` would see it from here. Throws ConfigError with every fault. */
export async function configure(flags: ServerFlags): Promise<Config> {
  const { loadConfig } = await import("../server/config/load.ts");
  const { config, database, host, port, demo } = flags;
  return loadConfig({
    flags: {
      ...(config === undefined ? {} : { config }),
      ...(database === undefined ? {} : { database }),
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port }),
      ...(demo === undefined ? {} : { demo }),
    },
    env: process.env,
    cwd: process.cwd(),
  });
}

/** Opens the configured store, as it is, for the length of `use`. Throws StoreError when it is missing or not migrated. */
export async function withStore<Result>(
  flags: StoreFlags,
  use: (store: Store, config: Config) => Promise<Result>,
): Promise<Result> {
  const config = await configure(flags);
  return open(config, use);
}

/** The same, after making the embedded store ready if it is new or old: a fresh machine needs no setup. */
export async function withReadyStore<Result>(
  flags: StoreFlags,
  use: (store: Store, config: Config) => Promise<Result>,
): Promise<Result> {
  const config = await configure(flags);
  // A shared database is migrated by whoever runs it, at a time of their choosing.
  if (config.database.startsWith("sqlite:")) {
    const { migrate } = await import("../server/store/migrate.ts");
    await migrate(config.database);
  }
  return open(config, use);
}

async function open<Result>(
  config: Config,
  use: (store: Store, config: Config) => Promise<Result>,
): Promise<Result> {
  const { openStore } = await import("../server/store/open.ts");
  const store = await openStore(config.database);
  try {
    return await use(store, config);
  } finally {
    await store.close();
  }
}
