import { describe, expect, test } from "bun:test";
import { ChatError } from "../../../src/connectors/hub/error.ts";
import { createAbort } from "../../../src/server/gateway/abort.ts";

const GONE = new ChatError("cancelled", "the client went away");
const STOPPED = new ChatError("unavailable", "the gateway is shutting down");

describe("an abort", () => {
  test("tells everybody who listens, once, with the first reason", () => {
    const heard: unknown[] = [];
    const abort = createAbort();
    abort.listen({ abort: (reason) => heard.push(reason) });
    abort.listen({ abort: (reason) => heard.push(reason) });
    expect(abort.reason).toBeUndefined();
    abort.abort(GONE);
    abort.abort(STOPPED);
    expect(heard).toEqual([GONE, GONE]);
    expect(abort.reason).toBe(GONE);
  });

  test("tells those who listen too late at once", () => {
    const abort = createAbort();
    abort.abort(GONE);
    let heard: unknown;
    abort.listen({
      abort(reason) {
        heard = reason;
      },
    });
    expect(heard).toBe(GONE);
  });

  test("tells nobody who has stopped listening, not even while it tells others", () => {
    const heard: string[] = [];
    const abort = createAbort();
    const before = { abort: () => heard.push("before") };
    const after = { abort: () => heard.push("after") };
    abort.listen(before);
    abort.unlisten(before);
    abort.listen({ abort: () => abort.unlisten(after) });
    abort.listen(after);
    abort.abort(GONE);
    expect(heard).toEqual([]);
  });
});
