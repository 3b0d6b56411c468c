#!/usr/bin/env bun
import { start } from "./_start.ts";

/** Every command. A file is loaded when its command is called, or listed. */
const commands = {
  serve: async () => (await import("./serve.ts")).serve,
  keygen: async () => (await import("./keygen.ts")).keygen,
  keys: async () => (await import("./keys/index.ts")).keys,
  usage: async () => (await import("./usage/index.ts")).usage,
  chat: async () => (await import("./chat.ts")).chat,
  models: async () => (await import("./models.ts")).models,
  config: async () => (await import("./config/index.ts")).config,
  migrate: async () => (await import("./migrate.ts")).migrate,
  doctor: async () => (await import("./doctor.ts")).doctor,
  completions: async () => (await import("./completions.ts")).completions,
  version: async () => (await import("./version.ts")).version,
};

await start(commands, process.argv.slice(2));
