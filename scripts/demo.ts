/**
 * Starts the built binary with its demo provider, shows one streamed answer through OpenAI's own client and how to send the
 * next one, and goes on serving until Ctrl-C.
 */
import { join } from "node:path";
import { OpenAI } from "openai";

const ROOT = join(import.meta.dir, "..");
const PORT = 8080;
const START_MS = 15_000;

type Gateway = { readonly url: string; readonly key: string };

function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints the answer as it comes. */
async function showAnswer({ url, key }: Gateway): Promise<void> {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key });
  const stream = await client.chat.completions.create({
    model: "demo/story@60",
    messages: [{ role: "user", content: "Tell me a story." }],
    max_tokens: 120,
    stream: true,
    stream_options: { include_usage: true },
  });
  for await (const chunk of stream) {
    process.stdout.write(chunk.choices[0]?.delta.content ?? "");
    if (chunk.usage) {
      const { prompt_tokens: asked, completion_tokens: answered } = chunk.usage;
      say(`…\n\n(${asked} tokens asked, ${answered} answered, cut off there by max_tokens)`);
    }
  }
}

function nextSteps({ url, key }: Gateway): string {
  return `
Now you:

  curl -N ${url}/v1/chat/completions \\
    -H 'authorization: Bearer ${key}' \\
    -H 'content-type: application/json' \\
    -d '{"model":"demo/story","stream":true,"messages":[{"role":"user","content":"Go on."}]}'

  XJP_URL=${url} XJP_KEY=${key} dist/xjp chat demo/echo

  import { OpenAI } from "openai";
  const client = new OpenAI({ baseURL: "${url}/v1", apiKey: "${key}" });

Models: demo/echo, demo/story, demo/reason, demo/tools, demo/json and demo/fail-…; demo/story@200 is five times as fast.
GET ${url}/v1/models lists them all. Ctrl-C stops the gateway, and its keys and usage are gone.`;
}

const gateway = Bun.spawn(
  [join(ROOT, "dist/xjp"), "serve", "--demo", "--port", String(isFree(PORT) ? PORT : 0)],
  {
    // Away from a configuration that a developer keeps in the checkout.
    cwd: join(ROOT, "dist"),
    // A group of its own: Ctrl-C reaches it once, from here, and not from the terminal a second time.
    detached: true,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  },
);
let stopping = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    stopping = true;
    gateway.kill(signal === "SIGHUP" ? "SIGTERM" : signal);
  });
}

let said = "";
let introduced = false;
const { promise: started, resolve: start, reject: fail } = Promise.withResolvers<Gateway>();
const timer = setTimeout(
  () => fail(new Error(`the gateway did not start within ${START_MS / 1000} s`)),
  START_MS,
);

/** Holds back what the gateway says while the demo speaks itself, and passes on what comes after. */
async function listen(stream: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) {
    const text = decoder.decode(bytes, { stream: true });
    if (introduced) process.stderr.write(text);
    said += text;
    const url = /http:\/\/127\.0\.0\.1:\d+/u.exec(said)?.[0];
    const key = /XJP_[A-Za-z0-9_-]{43}/u.exec(said)?.[0];
    if (url !== undefined && key !== undefined) start({ url, key });
  }
}

const heard = Promise.all([listen(gateway.stdout), listen(gateway.stderr)]);
void gateway.exited.then((code) => fail(new Error(`the gateway ended with exit code ${code}`)));

try {
  const running = await started;
  say(`xjp listens on ${running.url}\nA key for it: ${running.key}\n`);
  await showAnswer(running);
  say(nextSteps(running));
  introduced = true;
} catch (error) {
  if (!stopping) {
    if (!introduced) process.stderr.write(said);
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
    gateway.kill("SIGTERM");
  }
} finally {
  clearTimeout(timer);
}
await gateway.exited;
await heard;
