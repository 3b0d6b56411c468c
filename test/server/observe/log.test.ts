import { describe, expect, test } from "bun:test";
import { type LogLevel, createLog, redact } from "../../../src/server/observe/log.ts";

function capture(level: LogLevel, format: "pretty" | "json") {
  let text = "";
  const log = createLog({
    level,
    format,
    clock: () => 0,
    write: (more) => {
      text += more;
    },
  });
  return {
    log,
    text: () => {
      log.flush();
      return text;
    },
  };
}

describe("log", () => {
  test("writes one JSON object a line", () => {
    const { log, text } = capture("info", "json");
    log.info("chat", { tenant: 'a"b\nc', status: 200, model: undefined });
    expect(text().endsWith("\n")).toBe(true);
    expect(JSON.parse(text())).toEqual({
      time: "1970-01-01T00:00:00.000Z",
      level: "info",
      event: "chat",
      tenant: 'a"b\nc',
      status: 200,
    });
  });

  test("steers no terminal by what callers and providers write", () => {
    const { log, text } = capture("info", "pretty");
    log.info("chat", { model: "a\u001B[2Jb", error: "c\u009B31md\u007F", plain: "é世界" });
    expect(text()).toEndWith(' model="a\\u001b[2Jb" error="c\\u009b31md\\u007f" plain=é世界\n');
  });

  test("keeps an event on one line also when pretty", () => {
    const { log, text } = capture("info", "pretty");
    log.warn("chat failed", { error: "two\nlines", tries: 2 });
    expect(text()).toBe('1970-01-01T00:00:00.000Z warn  chat failed error="two\\nlines" tries=2\n');
  });

  test("leaves out what is below its level", () => {
    const { log, text } = capture("warn", "json");
    log.debug("a");
    log.info("b");
    expect(text()).toBe("");
  });

  test("writes errors at once", () => {
    let written = "";
    const log = createLog({
      level: "info",
      format: "pretty",
      clock: () => 0,
      write: (more) => {
        written += more;
      },
    });
    log.error("broken");
    expect(written).toContain("broken");
  });

  test("never shows a credential", () => {
    const { log, text } = capture("info", "pretty");
    log.info("x", {
      error: `key XJP_${"a".repeat(43)} and Bearer abc.def-ghi0 and sk-or-v1-12345678`,
    });
    expect(text()).not.toContain("aaaa");
    expect(text()).not.toContain("abc.def");
    expect(text()).not.toContain("12345678");
    expect(redact("nothing here")).toBe("nothing here");
  });
});
