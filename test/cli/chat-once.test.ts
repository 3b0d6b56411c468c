import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { startRawUpstream } from "../contract/raw-upstream.ts";
import { waitFor } from "../support/wait-for.ts";
import {
  refusing,
  saying,
  startFakeGateway,
  type FakeGateway,
  type Reply,
} from "./fake-gateway.ts";
import { atTerminal } from "./pty.ts";
import { makeFolder, type Folder } from "./run.ts";

let folder: Folder;
let gateway: FakeGateway;
let env: Readonly<Record<string, string>>;
beforeAll(() => {
  folder = makeFolder();
});
beforeEach(() => {
  gateway = startFakeGateway(["fast", "big"]);
  env = { XJP_URL: gateway.url, XJP_KEY: "XJP_good" };
});
afterEach(() => gateway.stop());
afterAll(() => folder.remove());

test("a prompt gets one answer on standard output and nothing else anywhere", async () => {
  const finished = await folder.run(["chat", "big", "say hello"], { env });
  expect(finished).toEqual({ code: 0, stdout: "Hello there\n", stderr: "" });
  expect(gateway.asked).toEqual([
    {
      path: "/v1/chat/completions",
      authorization: "Bearer XJP_good",
      body: {
        model: "big",
        messages: [{ role: "user", content: "say hello" }],
        stream: true,
        stream_options: { include_usage: true },
      },
    },
  ]);
});

test("without a model the first one answers, under the given instructions", async () => {
  const { code } = await folder.run(["chat", "-p", "hi", "--system", "be brief"], { env });
  expect(code).toBe(0);
  expect(gateway.asked.map(({ path }) => path)).toEqual(["/v1/models", "/v1/chat/completions"]);
  expect(gateway.asked[1]?.body).toMatchObject({
    model: "fast",
    messages: [
      { role: "system", content: "be brief" },
      { role: "user", content: "hi" },
    ],
  });
});

test("what is piped in is the prompt, or goes below it", async () => {
  await folder.run(["chat", "fast"], { env, stdin: "from a pipe\n" });
  const child = Bun.spawn(
    [
      "bash",
      "-c",
      'printf "line 1\\nline 2\\n" | "$0" "$1" chat fast -p review',
      process.execPath,
      `${import.meta.dir}/../../src/cli/main.ts`,
    ],
    {
      cwd: folder.path,
      env: { PATH: process.env["PATH"] ?? "", ...folder.env, ...env },
      stdout: "pipe",
    },
  );
  expect(await new Response(child.stdout).text()).toBe("Hello there\n");
  expect(gateway.asked.map(({ body }) => body?.["messages"])).toEqual([
    [{ role: "user", content: "from a pipe" }],
    [{ role: "user", content: "review\n\nline 1\nline 2" }],
  ]);
});

test("an open standard input that says nothing holds up no prompt", async () => {
  const child = Bun.spawn(
    [process.execPath, `${import.meta.dir}/../../src/cli/main.ts`, "chat", "fast", "-p", "hi"],
    {
      cwd: folder.path,
      env: { PATH: process.env["PATH"] ?? "", ...folder.env, ...env },
      stdin: "pipe",
      stdout: "pipe",
    },
  );
  expect(await new Response(child.stdout).text()).toBe("Hello there\n");
  expect(await child.exited).toBe(0);
  await child.stdin.end();
});

test("thoughts and tool calls stay out of a piped answer, control characters stay in", async () => {
  gateway.answer([
    { delta: { reasoning: "hm" } },
    { delta: { tool_calls: [{ index: 0, function: { name: "f", arguments: "{}" } }] } },
    ...saying("a\u001B[0mb\n"),
  ]);
  const { stdout, stderr } = await folder.run(["chat", "fast", "-p", "hi"], { env });
  expect([stdout, stderr]).toEqual(["a\u001B[0mb\n", ""]);
});

test("no prompt and nobody to ask is wrong usage", async () => {
  const { code, stdout, stderr } = await folder.run(["chat", "fast"], { env });
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toStartWith("xjp: no prompt: give one with -p, as a word, or on standard input\n");
});

test.each<[string, Reply, string, string]>([
  [
    "an unknown model",
    refusing(404, 'no model "x" (did you mean "fast"?)', "model_not_found"),
    "",
    'no model "x" (did you mean "fast"?); the gateway lists fast, big (status 404',
  ],
  [
    "a limit",
    refusing(429, "60 requests a minute are used up", "rate_limit_exceeded"),
    "",
    "60 requests a minute are used up (status 429",
  ],
  [
    "a page of HTML",
    () => new Response("<html>bad gateway</html>", { status: 502 }),
    "",
    "<html>bad gateway</html> (status 502",
  ],
  [
    "an answer in one piece",
    () => Response.json({}),
    "",
    "does not stream answers: is XJP_URL right?",
  ],
  [
    "an error in the stream",
    [{ delta: { content: "half" } }, { chunk: { error: { message: "lost it" } } }],
    "half\n",
    "the answer broke off: lost it",
  ],
  [
    "a stream without end",
    [{ delta: { content: "half" } }],
    "half\n",
    "the answer broke off: the connection ended before it did",
  ],
])(
  "%s fails with 1, and what came before stays on standard output",
  async (_name, answer, stdout, message) => {
    gateway.answer(answer);
    const finished = await folder.run(["chat", "x/y", "-p", "hi"], { env });
    expect([finished.code, finished.stdout]).toEqual([1, stdout]);
    expect(finished.stderr).toContain(message);
    expect(finished.stderr).toStartWith("xjp: ");
  },
);

test("an answer cut at the limit of tokens is marked on standard error", async () => {
  gateway.answer([
    { delta: { content: "half" } },
    { chunk: { choices: [{ index: 0, delta: {}, finish_reason: "length" }] } },
  ]);
  const { code, stdout, stderr } = await folder.run(["chat", "fast", "-p", "hi"], { env });
  expect([code, stdout, stderr]).toEqual([
    0,
    "half\n",
    "xjp: warning: the answer was cut at the limit of tokens\n",
  ]);
});

test("Ctrl-C ends with 130 and lets go of the gateway", async () => {
  gateway.answer([{ delta: { content: "endless" } }, "hang"]);
  const typist = atTerminal(folder, ["chat", "fast", "-p", "hi"], env);
  try {
    await typist.sees("endless");
    typist.type("\u0003");
    expect(await typist.exited).toBe(130);
    await waitFor("the gateway to see it", () => gateway.left() === 1);
  } finally {
    await typist.close();
  }
});

test("a gateway that slams the door is said to, in no words of the runtime", async () => {
  const slamming = startRawUpstream((line, { path }) => {
    line.write("HTTP/1.1 200 OK\r\n");
    if (path === "/v1/models") line.write("content-type: application/json\r\n\r\n{");
    else {
      line.write("content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
      line.chunk('data: {"choices":[{"index":0,"delta":{"content":"half"}}]}\n\n');
    }
    line.reset();
  });
  const from = { env: { ...env, XJP_URL: slamming.url } };
  try {
    const { code, stderr } = await folder.run(["chat", "m", "-p", "hi"], from);
    expect(code).toBe(1);
    expect(stderr).toBe("xjp: the answer broke off: the connection was closed\n");
    const models = await folder.run(["models"], from);
    expect([models.code, models.stdout]).toEqual([1, ""]);
    expect(models.stderr).not.toContain("verbose");
  } finally {
    slamming.stop();
  }
});
