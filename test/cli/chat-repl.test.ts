import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../support/wait-for.ts";
import { refusing, saying, startFakeGateway, type FakeGateway } from "./fake-gateway.ts";
import { atTerminal, type Typist } from "./pty.ts";
import { makeFolder, type Folder } from "./run.ts";

let folder: Folder;
let gateway: FakeGateway;
let typist: Typist;

beforeEach(async () => {
  folder = makeFolder();
  gateway = startFakeGateway(["fast", "big"]);
  typist = talk();
  await typist.sees(`fast at ${gateway.url} – /help lists commands\n› `);
});
afterEach(async () => {
  await typist.close();
  await gateway.stop();
  folder.remove();
});

function talk(): Typist {
  return atTerminal(folder, ["chat"], { XJP_URL: gateway.url, XJP_KEY: "XJP_good" });
}

/** The messages of every chat request, in order. */
function sent(): readonly unknown[] {
  return gateway.asked
    .filter(({ body }) => body !== undefined)
    .map(({ body }) => body?.["messages"]);
}

test("an answer streams, and the next question carries what was said", async () => {
  typist.type("first\r");
  await typist.sees("Hello there\n11 tokens in · 2 out · first word");
  await typist.sees("› ");
  typist.type("second\r");
  await typist.sees("Hello there\n");
  await typist.sees("› ");
  expect(sent()).toEqual([
    [{ role: "user", content: "first" }],
    [
      { role: "user", content: "first" },
      { role: "assistant", content: "Hello there" },
      { role: "user", content: "second" },
    ],
  ]);
});

test("text is on the screen while the answer still goes on", async () => {
  gateway.answer([{ delta: { content: "begun" } }, "hang"]);
  typist.type("go\r");
  await typist.sees("begun");
  expect(gateway.left()).toBe(0);
});

test("Ctrl-C stops the answer, not the chat; the part that came is kept, marked", async () => {
  gateway.answer([{ delta: { content: "a long" } }, "hang"], saying("go on"));
  typist.type("tell me\r");
  await typist.sees("a long");
  typist.type("\u0003");
  await typist.sees("stopped\n› ");
  await waitFor("the gateway to see it", () => gateway.left() === 1);
  typist.type("more\r");
  await typist.sees("go on");
  expect(sent()[1]).toEqual([
    { role: "user", content: "tell me" },
    { role: "assistant", content: "a long\n[stopped]" },
    { role: "user", content: "more" },
  ]);
});

test("a signal from outside stops the answer as well", async () => {
  gateway.answer([{ delta: { content: "a long" } }, "hang"]);
  typist.type("tell me\r");
  await typist.sees("a long");
  typist.signal("SIGINT");
  await typist.sees("stopped\n› ");
});

test("Ctrl-C clears what is typed; twice on an empty line leaves", async () => {
  typist.type("half a thought\u0003");
  await typist.sees("^C\n› ");
  typist.type("\u0003");
  await typist.sees("(Ctrl-C again or Ctrl-D leaves)\n› ");
  typist.type("\u0003");
  expect(await typist.exited).toBe(0);
  expect(sent()).toEqual([]);
});

test.each([
  ["Ctrl-D", "\u0004"],
  ["/exit", "/exit\r"],
  ["/quit", "/quit\r"],
])("%s leaves with 0", async (_name, keys) => {
  typist.type(keys);
  expect(await typist.exited).toBe(0);
});

test("lines typed ahead of an answer are joined as those after it", async () => {
  gateway.answer(saying("one"), saying("two"));
  typist.type("first\rsecond \\\rand\\\r");
  await typist.sees("one\n");
  await typist.sees("· ");
  typist.type("third\r");
  await typist.sees("two\n");
  expect(sent().map((messages) => Array.isArray(messages) && messages.at(-1))).toEqual([
    { role: "user", content: "first" },
    { role: "user", content: "second \nand\nthird" },
  ]);
});

test("a line that ends in a backslash goes on in the next, and pasted lines stay together", async () => {
  typist.type("one \\\r");
  await typist.sees("· ");
  typist.type("two\r");
  await typist.sees("Hello there");
  await typist.sees("› ");
  typist.type("\u001B[200~three\rfour\u001B[201~");
  await typist.sees("four");
  expect(sent()).toHaveLength(1);
  typist.type(" five\r");
  await typist.sees("Hello there");
  expect(sent()[0]).toEqual([{ role: "user", content: "one \ntwo" }]);
  expect(sent()[1]).toContainEqual({ role: "user", content: "three\nfour five" });
});

test("thoughts are dim, tool calls are shown, and neither steers the terminal", async () => {
  gateway.answer([
    { delta: { reasoning: "let me\u001B]0;title\u0007 see" } },
    {
      delta: {
        tool_calls: [{ index: 0, function: { name: "weather", arguments: '{"in":"Oslo"}' } }],
      },
    },
    { chunk: { choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] } },
  ]);
  typist.type("weather?\r");
  await typist.sees('let me]0;title see\n\n→ weather({"in":"Oslo"})\n');
  expect(typist.raw()).toContain("\u001B[2mlet me]0;title see\u001B[22m");
  expect(typist.raw()).not.toContain("\u001B]0;");
});

test("an error steers the terminal as little as an answer", async () => {
  gateway.answer(refusing(503, "every \u001B]0;title\u0007route is closed\u009B2J", "unavailable"));
  typist.type("try\r");
  await typist.sees("xjp: every ]0;titleroute is closed2J (status 503");
  for (const steering of ["\u001B]0;", "\u009B"]) expect(typist.raw()).not.toContain(steering);
});

test("a failed question is said, forgotten, and can be asked again", async () => {
  gateway.answer(refusing(503, "every route is closed", "unavailable"), saying("now"));
  typist.type("try\r");
  await typist.sees(`xjp: every route is closed (status 503 from ${gateway.url})\n› `);
  typist.type("try\r");
  await typist.sees("now\n");
  expect(sent()[1]).toEqual([{ role: "user", content: "try" }]);
});

test("commands change who answers and how, and sum up", async () => {
  typist.type("/model\r");
  await typist.sees("model: fast\n       big\n");
  typist.type("/model bgi\r");
  await typist.sees('no model "bgi" (did you mean big?): /model lists them\n');
  typist.type("/model big\r");
  await typist.sees("model: big\n");
  typist.type("/system be brief\r");
  await typist.sees("instructions: be brief\n");
  typist.type("hi\r");
  await typist.sees("Hello there");
  await typist.sees("› ");
  typist.type("/usage\r");
  await typist.sees("1 answer · 11 tokens in · 2 out\n");
  typist.type("/clear\r");
  await typist.sees("a new conversation begins\n");
  typist.type("again\r");
  await typist.sees("Hello there");
  const system = { role: "system", content: "be brief" };
  expect(sent()).toEqual([
    [system, { role: "user", content: "hi" }],
    [system, { role: "user", content: "again" }],
  ]);
  expect(gateway.asked.at(-1)?.body).toMatchObject({ model: "big" });
});

test("an unknown command is not sent to the model", async () => {
  typist.type("/hlep\r");
  await typist.sees("unknown command /hlep (did you mean /help?)");
  typist.type("/help\r");
  await typist.sees("/save FILE");
  typist.type("/toString\r");
  await typist.sees("unknown command /toString:");
  expect(sent()).toEqual([]);
});

test("the conversation is saved as Markdown or JSON, and over no other file", async () => {
  typist.type("hi\r");
  await typist.sees("Hello there");
  await typist.sees("› ");
  typist.type("/save talk.md\r");
  await typist.sees("saved 2 messages to talk.md\n");
  typist.type("/save talk.md\r");
  await typist.sees("talk.md exists already: choose another name\n");
  typist.type("/save talk.json\r");
  await typist.sees("saved 2 messages to talk.json\n");
  expect(readFileSync(join(folder.path, "talk.md"), "utf8")).toBe(
    "# Chat with fast\n\n## You\n\nhi\n\n## Answer\n\nHello there\n",
  );
  expect(JSON.parse(readFileSync(join(folder.path, "talk.json"), "utf8"))).toEqual({
    model: "fast",
    messages: [
      { role: "user", content: "hi" },
      { role: "assistant", content: "Hello there" },
    ],
  });
});

test("what was typed comes back with the arrow, also in the next chat, for its owner only", async () => {
  typist.type("remember me\r");
  await typist.sees("Hello there");
  await typist.sees("› ");
  typist.type("\u0004");
  expect(await typist.exited).toBe(0);
  const file = join(folder.path, "state/xjp/chat-history");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await typist.close();
  typist = talk();
  await typist.sees("› ");
  typist.type("\u001B[A");
  await typist.sees("remember me");
  typist.type("\r");
  await typist.sees("Hello there");
  expect(sent().at(-1)).toEqual([{ role: "user", content: "remember me" }]);
});

test("a history that cannot be kept stops nobody", async () => {
  await typist.close();
  await Bun.write(join(folder.path, "state"), "a file where a folder should be");
  typist = talk();
  await typist.sees("› ");
  typist.type("hi\r");
  await typist.sees("Hello there");
  expect(existsSync(join(folder.path, "state/xjp"))).toBe(false);
});
