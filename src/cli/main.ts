#!/usr/bin/env bun
import { start } from "./_start.ts";

/** Every command. A file is loaded when its command is called, or listed. */
const commands = {
  version: async () => (await import("./version.ts")).version,
};

await start(commands, process.argv.slice(2));
