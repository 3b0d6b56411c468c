import { defineCommand, storeFlags } from "./_command.ts";
import { UsageError } from "./_error.ts";
import { readInteger } from "./_number.ts";

export const serve = defineCommand({
  about: "run the gateway",
  args: {
    host: {
      type: "string",
      valueHint: "H",
      description: "address to listen on (default: 127.0.0.1)",
    },
    port: {
      type: "string",
      valueHint: "N",
      description: "port to listen on; 0: a free one (default: 8080)",
    },
    demo: {
      type: "boolean",
      description: "offer the built-in models demo/*, with a fresh key to try them",
    },
    ...storeFlags,
  },
  notes: [
    "SIGTERM or Ctrl-C lets running answers finish; a second one does not.",
    "--demo without --database keeps everything in a temporary database and removes it at the end.",
  ].join("\n"),
  examples: ["xjp serve --demo", "xjp serve --config /etc/xjp/xjp.toml --host 0.0.0.0 --port 8080"],
  async run(values, { terminal }) {
    if (values.port !== undefined && readInteger("--port", values.port) > 65_535)
      throw new UsageError(`--port: ${values.port} is not a port: write 0 to 65535`);
    const { reexecWithRoom } = await import("./_reexec.ts");
    reexecWithRoom();
    const { runServer } = await import("./serve/_run-server.ts");
    return runServer(values, terminal);
  },
});
