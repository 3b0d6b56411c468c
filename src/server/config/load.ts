import { Check } from "@sinclair/typebox/value";
import { buildConfig } from "./build.ts";
import { checkVariables } from "./check-variables.ts";
import type { Config } from "./config.ts";
import { type FileTree, readFileTree } from "./file-tree.ts";
import { ConfigError, type Fault } from "./faults.ts";
import { findFile } from "./find-file.ts";
import {
  applyOverrides,
  checkOverrides,
  type ConfigFlags,
  type Override,
  readOverrides,
} from "./overrides.ts";
import { createProviders, type Providers } from "./providers.ts";
import type { Environment } from "./references.ts";
import { fileSchema } from "./schema.ts";

export { ConfigError } from "./faults.ts";

export type LoadInput = {
  readonly flags: ConfigFlags;
  readonly env: Environment;
  readonly cwd: string;
};

/** The configuration, and what it was read from. */
export type Loaded = {
  readonly config: Config;
  readonly tree: FileTree;
  readonly overrides: readonly Override[];
  readonly providers: Providers;
};

/**
 * Reads the configuration: the file, then the environment, then flags, each beating the one before. Throws ConfigError with
 * the faults of all three.
 */
export async function loadConfig(input: LoadInput): Promise<Config> {
  const { config } = await loadWithSources(input);
  return config;
}

/** The same, with what `config print` needs to say where a value comes from. */
export async function loadWithSources({ flags, env, cwd }: LoadInput): Promise<Loaded> {
  const faults: Fault[] = [];
  const found = await findFile({ flag: flags.config, env, cwd });
  const file = found && "text" in found ? found : undefined;
  if (found && "problem" in found) faults.push(found);
  const tree = await readFileTree(file, { env, cwd });
  const overrides = readOverrides(flags, env);
  faults.push(...tree.faults, ...checkOverrides(overrides, { env, cwd }), ...checkVariables(env));
  if (faults.length > 0) throw new ConfigError(faults);

  const whole = applyOverrides(tree.fields, overrides);
  if (!Check(fileSchema, whole)) {
    throw new Error("the configuration has passed its checks and does not fit its schema");
  }
  const providers = createProviders(whole.providers, env);
  const demo = flags.demo === true;
  const config = buildConfig(whole, { file: file?.path, demo, providers, cwd, env });
  return { config, tree, overrides, providers };
}
