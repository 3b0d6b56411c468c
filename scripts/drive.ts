/**
 * Drives the built binary the way an operator would, from an empty folder: version, migrate, serve, keygen, chat, usage, revoke,
 * stop. Prints a line a step, the figures of size and start, and `drive: N passed, N failed`. Exit code 1 on any failure.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { OpenAI } from "openai";
import { version } from "../package.json" with { type: "json" };
import { BINARY, runBinary, type Finished } from "../test/support/binary.ts";
import { makeDirectory, startGateway, type Gateway } from "../test/support/gateway.ts";
import { waitFor } from "../test/support/wait-for.ts";

const CONFIG = '[providers.demo]\nkind = "demo"\n';
const STARTS = 9;

let passed = 0;
let failed = 0;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Does one step; what it gives back is printed beside its name. */
async function step(name: string, action: () => Promise<string>): Promise<void> {
  try {
    const note = await action();
    passed += 1;
    say(`  ok      ${name}${note === "" ? "" : `: ${note}`}`);
  } catch (error) {
    failed += 1;
    say(`  FAILED  ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function expectIn(text: string, wanted: string | RegExp): void {
  const found = typeof wanted === "string" ? text.includes(wanted) : wanted.test(text);
  if (!found) throw new Error(`${String(wanted)} does not occur in:\n${text}`);
}

function succeeded(finished: Finished): string {
  if (finished.code !== 0) throw new Error(`exit code ${finished.code}:\n${finished.stderr}`);
  return finished.stdout;
}

function milliseconds(since: number): string {
  return `${(performance.now() - since).toFixed(0)} ms`;
}

async function statusOf(gateway: Gateway, key: string): Promise<number> {
  const answer = await fetch(`${gateway.url}/v1/models`, {
    headers: { authorization: `Bearer ${key}` },
  });
  await answer.body?.cancel();
  return answer.status;
}

async function usageOfBoth(gateway: Gateway): Promise<string | undefined> {
  const text = succeeded(await gateway.run(["usage", "report", "--by", "model"]));
  return text.includes("demo/story@max") && text.includes("demo/echo@max") ? text : undefined;
}

async function driveGateway(gateway: Gateway): Promise<void> {
  const { key, id } = await gateway.makeKey("acme");
  const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 });

  await step("one streamed chat against the demo provider", async () => {
    const begun = performance.now();
    const stream = await client.chat.completions.create({
      model: "demo/story@max",
      messages: [{ role: "user", content: "Tell me a story." }],
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let tokens = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      tokens = chunk.usage?.completion_tokens ?? tokens;
    }
    expectIn(text, /^The Signal House.*sleep\."$/su);
    if (!(tokens > 0)) throw new Error("the stream reported no usage");
    return `${tokens} tokens in ${milliseconds(begun)}`;
  });

  await step("a chat from the command line", async () => {
    const environment = ["--url", gateway.url, "--key", key];
    const said = await gateway.run(["chat", "demo/echo@max", ...environment, "-p", "Hello there"]);
    expectIn(succeeded(said), "Hello there");
    return "";
  });

  await step("the usage report shows both", async () => {
    const text = await waitFor("both models in the usage report", () => usageOfBoth(gateway));
    return `\n${text.trimEnd().replaceAll(/^/gmu, "            ")}`;
  });

  await step("a revoked key stops working within a second", async () => {
    if ((await statusOf(gateway, key)) !== 200) throw new Error("the key did not work before");
    succeeded(await gateway.run(["keys", "revoke", id, "--yes"]));
    const begun = performance.now();
    const refused = async (): Promise<boolean> => (await statusOf(gateway, key)) !== 200;
    await waitFor("the key to be refused", refused, 1_000);
    return milliseconds(begun);
  });

  await step("SIGTERM ends it with exit code 0", async () => {
    const begun = performance.now();
    gateway.signal("SIGTERM");
    const code = await gateway.exited;
    if (code !== 0) throw new Error(`exit code ${code}:\n${gateway.log()}`);
    return milliseconds(begun);
  });
}

async function driveCommands(directory: string): Promise<void> {
  const env = { HOME: directory, XDG_DATA_HOME: join(directory, "data") };
  const run = (...words: string[]): Promise<Finished> => runBinary(words, { cwd: directory, env });

  say(`  size    ${(Bun.file(BINARY).size / 1_000_000).toFixed(1)} MB`);
  await step("--version", async () => {
    const times: number[] = [];
    for (let start = 0; start < STARTS; start++) {
      const begun = performance.now();
      expectIn(succeeded(await run("--version")), version);
      times.push(performance.now() - begun);
    }
    const median = times.toSorted((a, b) => a - b)[Math.floor(STARTS / 2)] ?? Number.NaN;
    return `${version}, median of ${STARTS} starts ${median.toFixed(0)} ms`;
  });
  await step("a wrong flag is exit code 2 and named", async () => {
    const { code, stderr } = await run("serve", "--prot", "1");
    if (code !== 2) throw new Error(`exit code ${code}`);
    expectIn(stderr, "--port");
    return "";
  });
  await step("migrate applies, and a second run changes nothing", async () => {
    expectIn(succeeded(await run("migrate")), "applied 0001");
    const again = await run("migrate");
    if (succeeded(again) !== "") throw new Error(`the second run printed ${again.stdout}`);
    return "";
  });
  await step("keygen --json prints a key and nothing else", async () => {
    const issued: unknown = JSON.parse(succeeded(await run("keygen", "acme", "--json")));
    expectIn(JSON.stringify(issued), /"XJP_[A-Za-z0-9_-]{43}"/u);
    return "";
  });
}

async function driveServer(directory: string): Promise<void> {
  const begun = performance.now();
  const starting = startGateway({ config: CONFIG, directory });
  await step("serve answers /readyz", async () => {
    await starting;
    return `after ${milliseconds(begun)}`;
  });
  const gateway = await starting.catch(() => undefined);
  try {
    if (gateway) await driveGateway(gateway);
  } finally {
    await gateway?.stop();
  }
}

const directory = makeDirectory();
try {
  await driveCommands(directory);
  await driveServer(directory);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
say(`drive: ${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
