import type { Config } from "../../server/config/config.ts";
import { curlLine, exampleModel, localUrl } from "../_address.ts";
import { details } from "../_table.ts";
import type { Terminal } from "../_terminal.ts";
import { keyDetails, keyJson } from "./_describe.ts";
import type { IssuedKey } from "./_issue.ts";

/** Prints a new key, for the only time, with what it allows and how it is used. */
export function printIssued(
  issued: IssuedKey,
  config: Config,
  title: string,
  { result, paint }: Pick<Terminal, "result" | "paint">,
): void {
  const { key, record } = issued;
  const known = new Set(["Key prefix", "State", "Created", "Last used"]);
  const pairs = keyDetails(record, record.createdAt).filter(([name]) => !known.has(name));
  const curl = curlLine({
    url: localUrl(config.server),
    key,
    model: exampleModel(config, record),
  });
  result(
    [
      paint("bold", title),
      "",
      details([["API Key", key], ...pairs], (name) => paint("dim", name)),
      "",
      paint("yellow", "Store this key now: only its hash is kept, it cannot be shown again."),
      "",
      paint("bold", "Use it:"),
      "",
      curl.replaceAll(/^/gm, "  "),
    ].join("\n"),
  );
}

/** A new key as `--json` prints it: the key beside everything that `keys show --json` prints of it. */
export function issuedJson({ key, record }: IssuedKey): Readonly<Record<string, unknown>> {
  return { key, ...keyJson(record, record.createdAt) };
}
