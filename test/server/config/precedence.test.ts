import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../../src/server/config/load.ts";
import { folderWith, inputFor, load, reportOf } from "./_files.ts";

const port = (number: number): string => `[server]\nport = ${number}\n`;

describe("finding the file", () => {
  const everywhere = {
    "config/xjp.toml": port(1),
    "xjp.toml": port(2),
    "xdg/xjp/xjp.toml": port(3),
    "home/.config/xjp/xjp.toml": port(4),
    "named.toml": port(5),
    "flag.toml": port(6),
  };

  const found = async (
    names: readonly (keyof typeof everywhere)[],
    env: Readonly<Record<string, string>>,
    flags: { config?: string } = {},
  ): Promise<readonly [number, string | undefined]> => {
    const cwd = folderWith(Object.fromEntries(names.map((name) => [name, everywhere[name]])));
    const fill = (text: string): string => text.replace("DIR", cwd);
    const config = await loadConfig({
      cwd,
      flags,
      env: Object.fromEntries(
        Object.entries({ HOME: "DIR/home", ...env }).map(([name, text]) => [name, fill(text)]),
      ),
    });
    return [config.server.port, config.file?.slice(cwd.length + 1)];
  };
  const xdg = { XDG_CONFIG_HOME: "DIR/xdg" };

  test("looks into the usual places in order", async () => {
    const all = [
      "config/xjp.toml",
      "xjp.toml",
      "xdg/xjp/xjp.toml",
      "home/.config/xjp/xjp.toml",
    ] as const;
    expect(await found(all, xdg)).toEqual([1, "config/xjp.toml"]);
    expect(await found(all.slice(1), xdg)).toEqual([2, "xjp.toml"]);
    expect(await found(all.slice(2), xdg)).toEqual([3, "xdg/xjp/xjp.toml"]);
    expect(await found(all.slice(3), {})).toEqual([4, "home/.config/xjp/xjp.toml"]);
  });

  test("ignores a relative XDG_CONFIG_HOME, as the specification asks", async () => {
    const names = ["xdg/xjp/xjp.toml", "home/.config/xjp/xjp.toml"] as const;
    expect(await found(names, { XDG_CONFIG_HOME: "xdg" })).toEqual([
      4,
      "home/.config/xjp/xjp.toml",
    ]);
  });

  test("takes the file that XJP_CONFIG names, and --config before it", async () => {
    const names = ["xjp.toml", "named.toml", "flag.toml"] as const;
    const env = { XJP_CONFIG: "named.toml" };
    expect(await found(names, env)).toEqual([5, "named.toml"]);
    expect(await found(names, { XJP_CONFIG: "DIR/named.toml" })).toEqual([5, "named.toml"]);
    expect(await found(names, { XJP_CONFIG: "" })).toEqual([2, "xjp.toml"]);
    expect(await found(names, env, { config: "flag.toml" })).toEqual([6, "flag.toml"]);
  });

  test("never falls back from a named file to another", async () => {
    const { cwd, env } = inputFor(port(2));
    expect(await reportOf({ cwd, env: { ...env, XJP_CONFIG: "gone.toml" }, flags: {} })).toEqual([
      `environment: XJP_CONFIG: cannot read ${join(cwd, "gone.toml")}: it does not exist`,
    ]);
    expect(await reportOf({ cwd, env, flags: { config: "" } })).toEqual([
      `command line: --config: cannot read ${cwd}: it is a folder`,
    ]);
  });

  test("wants UTF-8, and says so of any other text", async () => {
    const { cwd, env } = inputFor(port(2));
    writeFileSync(join(cwd, "xjp.toml"), Buffer.from(`\uFEFF${port(2)}`, "utf16le"));
    expect(await reportOf({ cwd, env, flags: {} })).toEqual([
      `xjp.toml: cannot read ${join(cwd, "xjp.toml")}: it is not UTF-8 text: save it as such`,
    ]);
    writeFileSync(join(cwd, "xjp.toml"), `\uFEFF${port(2)}`);
    expect(await reportOf({ cwd, env, flags: {} })).toEqual([]);
  });

  test("does not step over a usual place that cannot be read", async () => {
    const cwd = folderWith({ "config/xjp.toml/inside": "", "xjp.toml": port(2) });
    expect(await reportOf({ cwd, env: { HOME: cwd }, flags: {} })).toEqual([
      `config/xjp.toml: cannot read ${join(cwd, "config/xjp.toml")}: it is a folder`,
    ]);
  });
});

describe("precedence", () => {
  const file = `
[server]
host = "file.example"
port = 1000
[log]
level = "error"
format = "json"
[database]
url = "sqlite:/file.db"
`;
  const env = {
    HOST: "::",
    PORT: "2000",
    DATABASE_URL: "sqlite:/env.db",
    XJP_LOG: "debug",
    XJP_LOG_FORMAT: "pretty",
  };
  const flags = { host: "0.0.0.0", port: "3000", database: "sqlite:/flag.db" };
  test("the file beats defaults", async () => {
    expect(await summary(file, {})).toEqual([
      "file.example",
      1000,
      "sqlite:/file.db",
      "error",
      "json",
    ]);
    expect(await summary("", { env: { XDG_DATA_HOME: "/data" } })).toEqual([
      "127.0.0.1",
      8080,
      "sqlite:/data/xjp/xjp.db",
      "info",
      "pretty",
    ]);
  });

  test("the environment beats the file", async () => {
    expect(await summary(file, { env })).toEqual(["::", 2000, "sqlite:/env.db", "debug", "pretty"]);
  });

  test("flags beat the environment", async () => {
    expect(await summary(file, { env, flags })).toEqual([
      "0.0.0.0",
      3000,
      "sqlite:/flag.db",
      "debug",
      "pretty",
    ]);
  });

  test("an empty variable says nothing", async () => {
    const empty = { HOST: "", PORT: "", DATABASE_URL: "", XJP_LOG: "", OPENAI_API_KEY: "" };
    expect(await summary(file, { env: empty })).toEqual(await summary(file, {}));
  });

  test("a bad variable behind a flag does no harm", async () => {
    const { server } = await load("", { env: { PORT: "abc" }, flags: { port: "0" } });
    expect(server.port).toBe(0);
  });
});

async function summary(text: string, around: Parameters<typeof load>[1]): Promise<unknown> {
  const { server, database, log } = await load(text, around);
  return [server.host, server.port, database, log.level, log.format];
}
