/** Answers to be given again in Redis or Valkey. All keys carry one hash tag, so that a cluster keeps them together. */
import type { Answers } from "../answers.ts";
import { defineScript, type RedisConnection } from "./connection.ts";

const PREFIX = "xjp:{answers}:";
/** Answers by the time at which they lapse; each member begins with its size. */
const INDEX = `${PREFIX}index`;
const BYTES = `${PREFIX}bytes`;

/** KEYS: the answer. ARGV: fingerprint, holder, milliseconds. */
const CLAIM = defineScript(`
local found = redis.call('HMGET', KEYS[1], 'fingerprint', 'answer')
if found[1] then return { found[1], found[2] or false } end
redis.call('HSET', KEYS[1], 'fingerprint', ARGV[1], 'holder', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return {}
`);

/** KEYS: answers. ARGV: holder, milliseconds. */
const RENEW = defineScript(`
for _, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'holder') == ARGV[1] then redis.call('PEXPIRE', key, ARGV[2]) end
end
`);

/** KEYS: the answer, index, bytes. ARGV: holder, answer, milliseconds, when it lapses, its size. */
const KEEP = defineScript(`
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return end
redis.call('HDEL', KEYS[1], 'holder')
redis.call('HSET', KEYS[1], 'answer', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[5] .. ':' .. KEYS[1])
redis.call('INCRBY', KEYS[3], ARGV[5])
`);

/** KEYS: the answer. ARGV: holder. */
const RELEASE = defineScript(`
if redis.call('HGET', KEYS[1], 'holder') == ARGV[1] then redis.call('DEL', KEYS[1]) end
`);

/** KEYS: index, bytes. ARGV: now, the most bytes, the most answers to look at. Gives 1 if there may be more to do. */
const PRUNE = defineScript(`
local bytes = tonumber(redis.call('GET', KEYS[2]) or '0')
for _ = 1, tonumber(ARGV[3]) do
  local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  if not first[1] then
    redis.call('DEL', KEYS[2])
    return 0
  end
  if tonumber(first[2]) > tonumber(ARGV[1]) and bytes <= tonumber(ARGV[2]) then return 0 end
  local colon = string.find(first[1], ':', 1, true)
  redis.call('DEL', string.sub(first[1], colon + 1))
  redis.call('ZREM', KEYS[1], first[1])
  bytes = redis.call('DECRBY', KEYS[2], string.sub(first[1], 1, colon - 1))
end
return 1
`);

/** So many at a time, that nobody else waits for long. */
const PRUNED_AT_ONCE = 500;

/** The connection stays open. `clock` gives Unix milliseconds. */
export function createRedisAnswers(redis: RedisConnection, clock: () => number): Answers {
  const left = (until: number): string => String(Math.max(1, Math.ceil(until - clock())));
  return {
    async claimAnswer({ id, fingerprint, holder, until }) {
      const found = await redis.run(CLAIM, [keyOf(id)], [fingerprint, holder, left(until)]);
      const [known, answer]: unknown[] = Array.isArray(found) ? found : [];
      if (typeof known !== "string") return { state: "claimed" };
      return typeof answer === "string"
        ? { state: "answered", fingerprint: known, answer }
        : { state: "running", fingerprint: known };
    },
    async renewAnswers(ids, holder, until) {
      if (ids.length > 0) await redis.run(RENEW, ids.map(keyOf), [holder, left(until)]);
    },
    async keepAnswer(id, holder, answer, until) {
      const size = String(Buffer.byteLength(answer));
      await redis.run(
        KEEP,
        [keyOf(id), INDEX, BYTES],
        [holder, answer, left(until), String(until), size],
      );
    },
    async releaseAnswer(id, holder) {
      await redis.run(RELEASE, [keyOf(id)], [holder]);
    },
    async pruneAnswers(now, mostBytes) {
      const words = [String(now), String(mostBytes), String(PRUNED_AT_ONCE)];
      for (;;) if ((await redis.run(PRUNE, [INDEX, BYTES], words)) !== 1) return;
    },
  };
}

function keyOf(id: string): string {
  return `${PREFIX}${id}`;
}
