import { afterAll, beforeAll, expect, test } from "bun:test";
import { startFakeGateway, type FakeGateway } from "./fake-gateway.ts";
import { makeFolder, type Folder } from "./run.ts";

let folder: Folder;
let gateway: FakeGateway;
beforeAll(() => {
  folder = makeFolder();
  gateway = startFakeGateway(["fast", "vendor/big"]);
});
afterAll(async () => {
  await gateway.stop();
  folder.remove();
});

test("the models of a running gateway are listed, one a line", async () => {
  const env = { XJP_URL: `${gateway.url}/v1/`, XJP_KEY: "XJP_good" };
  expect(await folder.run(["models"], { env })).toEqual({
    code: 0,
    stdout: "fast\nvendor/big\n",
    stderr: "",
  });
});

test("programs get what the gateway says of them", async () => {
  const models = await folder.json(["models", "--url", gateway.url, "--key", "XJP_good"]);
  expect(models).toEqual([
    { id: "fast", object: "model", created: 1, owned_by: "test" },
    { id: "vendor/big", object: "model", created: 1, owned_by: "test" },
  ]);
});

test("a missing key and a wrong one are told apart", async () => {
  const none = await folder.run(["models", "--url", gateway.url]);
  expect([none.code, none.stdout]).toEqual([1, ""]);
  expect(none.stderr).toBe(
    "xjp: the gateway wants a key: set XJP_KEY or --key; xjp keygen TENANT makes one\n",
  );
  const wrong = await folder.run(["models", "--url", gateway.url], { env: { XJP_KEY: "XJP_bad" } });
  expect(wrong.stderr).toBe(
    "xjp: the gateway does not accept the key in XJP_KEY or --key: unknown key\n",
  );
});

test("a gateway that does not run is named, with what to do", async () => {
  const { code, stderr } = await folder.run(["models"], { env: { XJP_URL: "http://127.0.0.1:1" } });
  expect([code, stderr]).toEqual([
    1,
    "xjp: no gateway answers at http://127.0.0.1:1 (connection refused): start one with xjp serve, or set XJP_URL\n",
  ]);
});

test("something else that answers is not taken for a gateway", async () => {
  using other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("<html>") });
  const { code, stderr } = await folder.run(["models", "--url", `http://127.0.0.1:${other.port}`]);
  expect(code).toBe(1);
  expect(stderr).toContain("does not answer like a gateway: is XJP_URL right?");
});
