import { openRedis } from "../../server/store/redis/connection.ts";
import { wordsOf } from "../../server/words.ts";
import type { Finding } from "./_finding.ts";

/** Whether the server that counters are shared on answers, runs scripts, and keeps what it is told. */
export async function* checkRedis(url: string | undefined): AsyncGenerator<Finding> {
  if (url === undefined) return;
  const check = "redis";
  const redis = openRedis(url);
  try {
    await redis.connect();
    await redis.send("EVAL", ["return redis.call('TIME')", "0"]);
    const memory = String(await redis.send("INFO", ["memory"]));
    yield { check, state: "ok", found: `${redis.place} answers and runs scripts` };
    const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? "";
    const bound = Number(/^maxmemory:(\d+)/m.exec(memory)?.[1] ?? 0);
    if (bound > 0 && policy.startsWith("allkeys")) {
      yield {
        check,
        state: "warn",
        found: `${redis.place} drops any key when its memory is full (maxmemory-policy ${policy})`,
        todo: "set it to noeviction or a volatile policy, or limits may begin anew",
      };
    }
  } catch (error) {
    yield {
      check,
      state: "fail",
      found: `${redis.place}: ${wordsOf(error)}`,
      todo: "start it, or mend REDIS_URL (redis.url): until then each gateway keeps to its part of the limits",
    };
  } finally {
    redis.close();
  }
}
