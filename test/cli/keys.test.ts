import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { issueKey, plainTerms } from "../../src/cli/keys/_issue.ts";
import { migrate } from "../../src/server/store/migrate.ts";
import { openStore } from "../../src/server/store/open.ts";
import { makeFolder, object, objects, stored, text, type Folder } from "./run.ts";

let folder: Folder;
beforeAll(() => {
  folder = makeFolder();
});
afterAll(() => folder.remove());

describe("xjp keys", () => {
  test("lists the keys of a tenant, newest first, without the keys", async () => {
    const first = object(await folder.json(["keygen", "日本語"]));
    const second = object(await folder.json(["keygen", "日本語", "two"]));
    const listed = objects(await folder.json(["keys", "list", "--tenant", "日本語"]));
    expect(listed.map(({ id }) => id)).toEqual([second["id"], first["id"]]);
    const { stdout } = await folder.run(["keys", "list"]);
    expect(stdout).toStartWith("ID ");
    expect(stdout).toContain(text(first["key_prefix"]));
    expect(stdout).not.toContain(text(first["key"]));
    const widths = stdout
      .trimEnd()
      .split("\n")
      .map((line) => Bun.stringWidth(line.slice(0, line.search(/active|STATE/))));
    expect(new Set(widths).size).toBe(1);
  });

  test("says on standard error that there is nothing to list", async () => {
    const { code, stdout, stderr } = await folder.run(["keys", "list", "--tenant", "nobody"]);
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toContain("no keys of tenant nobody: xjp keygen TENANT makes one");
    expect(await folder.json(["keys", "list", "--tenant", "nobody"])).toEqual([]);
  });

  test("finds a key by its id, its beginning, or the whole of it", async () => {
    const { key, ...made } = object(await folder.json(["keygen", "finder"]));
    for (const name of [made["id"], made["key_prefix"], key])
      expect(await folder.json(["keys", "show", text(name)])).toEqual(made);
    const { stdout } = await folder.run(["keys", "show", text(made["id"])]);
    expect(stdout).toMatch(/^ {2}State +active$/m);
  });

  test("tells of a name that fits none or several", async () => {
    const none = await folder.run(["keys", "show", "XJP_nothing!"]);
    expect([none.code, none.stdout]).toEqual([1, ""]);
    expect(none.stderr).toContain(
      'no key with the id or prefix "XJP_nothing!": xjp keys list shows them',
    );
    const several = await folder.run(["keys", "revoke", "XJP_", "--yes"]);
    expect(several.code).toBe(1);
    expect(several.stderr).toMatch(/"XJP_" begins \d+ keys; name one of them by its id:/);
    for (const { id } of objects(await folder.json(["keys", "list"])))
      expect(several.stderr).toContain(text(id));
    expect(
      objects(await folder.json(["keys", "list"])).every(({ state }) => state === "active"),
    ).toBe(true);
  });

  test("lists no more than twenty keys that might be meant", async () => {
    const many = makeFolder();
    try {
      await migrate(many.database);
      const store = await openStore(many.database);
      for (let count = 0; count < 23; count++)
        await store.insertKey(issueKey(plainTerms("a\u001B[2J"), Date.now()).record);
      await store.close();
      const { stderr } = await many.run(["keys", "show", "XJP_"]);
      const lines = stderr.trimEnd().split("\n");
      expect(lines).toHaveLength(22);
      expect(lines[1]).toEndWith("…  a␛[2J (active)");
      expect(lines.at(-1)).toBe("  and 3 more: xjp keys list shows them");
    } finally {
      many.remove();
    }
  });

  test("does not repeat a whole key that is unknown", async () => {
    const key = `XJP_${"A".repeat(43)}`;
    const { code, stderr } = await folder.run(["keys", "show", key]);
    expect(code).toBe(1);
    expect(stderr).toContain("XJP_AAAAAAAA…");
    expect(stderr).not.toContain(key);
  });

  test("revokes only with --yes where nobody can be asked, and only once", async () => {
    const { id } = object(await folder.json(["keygen", "revoked"]));
    const words = ["keys", "revoke", text(id)];
    const unasked = await folder.run(words);
    expect([unasked.code, unasked.stderr.split("\n")[0]]).toEqual([
      2,
      "xjp: nobody can be asked here: --yes revokes without asking",
    ]);
    expect((await stored(folder, id)).isActive).toBe(true);
    const done = await folder.run([...words, "--yes"]);
    expect([done.code, done.stdout]).toEqual([0, ""]);
    expect(done.stderr).toMatch(/^✓ revoked the key XJP_[\w-]{8}… of tenant revoked$/m);
    expect((await stored(folder, id)).isActive).toBe(false);
    const again = await folder.run([...words, "--yes"]);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("is revoked already");
  });

  test("rotates: a new key with the same terms, the old one lives on for the grace", async () => {
    const old = object(
      await folder.json("keygen rotated note 7 8 --models m1 --budget 3".split(" ")),
    );
    const before = Date.now();
    const made = object(await folder.json(["keys", "rotate", text(old["id"]), "--grace", "2h"]));
    const { id, key, key_prefix, created_at, ...terms } = made;
    expect(terms).toMatchObject({
      tenant_id: "rotated",
      description: "note",
      rate_limit_rpm: 7,
      rate_limit_rpd: 8,
      models: ["m1"],
      budget_usd: "3.00",
      expires_at: null,
    });
    expect([id === old["id"], key === old["key"], key_prefix, created_at !== undefined]).toEqual([
      false,
      false,
      text(key).slice(0, 12),
      true,
    ]);
    const oldEnd = (await stored(folder, old["id"])).expiresAt ?? 0;
    expect(oldEnd).toBeWithin(before + 7_200_000, Date.now() + 7_200_001);
    expect(object(made["replaces"])).toEqual({
      id: old["id"],
      expires_at: new Date(oldEnd).toISOString(),
    });
  });

  test("ends the old key at once with --grace 0, and rotates it no more", async () => {
    const old = object(await folder.json(["keygen", "ended"]));
    const { code, stdout, stderr } = await folder.run([
      "keys",
      "rotate",
      text(old["id"]),
      "--grace",
      "0",
    ]);
    expect(code).toBe(0);
    expect(stdout).toContain("New API key for ended");
    expect(stderr).toContain("no longer works");
    const again = await folder.run(["keys", "rotate", text(old["id"])]);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain("is expired: xjp keygen ended makes a new one");
  });
});
