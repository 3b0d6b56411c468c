/**
 * The shared counters in Redis or Valkey. All keys carry one hash tag, so that a cluster keeps them together and a script may touch
 * several. Time is the server's, so that clocks of instances need not agree.
 */
import { BEAT_MS, type Counter, INSTANCE_MS, type Leases, type Told } from "../leases.ts";
import { defineScript, type RedisConnection } from "./connection.ts";
import { within } from "../../within.ts";

const PREFIX = "xjp:{limits}:";
const INSTANCES = `${PREFIX}instances`;
/** Made once: another one after everything was lost. */
const MEMORY = `${PREFIX}memory`;

/** What every script begins with. `drained` gives the level by now, or nil; numbers go out as text, since integers lose fractions. */
const PRELUDE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local function text(number) return string.format('%.17g', number) end
local function drained(key, rate)
  local found = redis.call('HMGET', key, 'level', 'at')
  local level = tonumber(found[1])
  if not level then return nil end
  if rate > 0 then level = math.max(0, level - math.max(0, now - tonumber(found[2])) * rate) end
  return level
end
local function keep(key, level, ms)
  redis.call('HSET', key, 'level', text(level), 'at', text(now))
  redis.call('PEXPIRE', key, ms)
end
`;

/** KEYS: the instances, then a counter each. ARGV: the holder, then for each counter kind, capacity, rate, keep, base, least, demand, want. */
const TAKE = defineScript(`${PRELUDE}
local told = {}
for i = 2, #KEYS do
  local key, a = KEYS[i], 2 + (i - 2) * 8
  local capacity, rate, ms, base = tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), ARGV[a + 3], tonumber(ARGV[a + 4])
  local least, demand, want = tonumber(ARGV[a + 5]), tonumber(ARGV[a + 6]), tonumber(ARGV[a + 7])
  local isPlaces = ARGV[a] == 'places'
  local level
  if isPlaces then
    level = 0
    local held = redis.call('HGETALL', key)
    for j = 1, #held, 2 do
      local alive = redis.call('ZSCORE', KEYS[1], held[j])
      if alive and tonumber(alive) > now then
        level = level + tonumber(held[j + 1])
      else
        redis.call('HDEL', key, held[j])
      end
    end
  else
    level = drained(key, rate) or base
  end
  local room = capacity - level
  local whole = math.floor(room + 1e-6)
  local granted = 0
  if whole >= least and whole > 0 then
    granted = math.min(whole, math.max(demand, math.min(want, math.floor(whole / 16))))
  end
  if not isPlaces then
    keep(key, level + granted, ms)
  elseif granted > 0 then
    redis.call('HINCRBY', key, ARGV[1], granted)
    redis.call('PEXPIRE', key, ms)
  end
  local wait = -1
  if rate > 0 then wait = math.max(0, least - room - 1e-6) / rate end
  told[#told + 1] = text(granted)
  told[#told + 1] = text(room - granted)
  told[#told + 1] = text(wait)
end
return told
`);

/** KEYS: a counter each. ARGV: the holder, then for each counter kind, rate, keep, base, amount. */
const GIVE = defineScript(`${PRELUDE}
for i, key in ipairs(KEYS) do
  local a = 2 + (i - 1) * 5
  local rate, ms, base, amount = tonumber(ARGV[a + 1]), ARGV[a + 2], tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4])
  if ARGV[a] == 'places' then
    if redis.call('HINCRBY', key, ARGV[1], -amount) <= 0 then redis.call('HDEL', key, ARGV[1]) end
  else
    keep(key, math.max(0, (drained(key, rate) or base) - amount), ms)
  end
end
`);

/** KEYS: the instances, the memory's name. ARGV: the holder, after how many milliseconds it is taken for dead, a new name. */
const BEAT = defineScript(`${PRELUDE}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now))
local known = redis.call('ZSCORE', KEYS[1], ARGV[1]) and 1 or 0
redis.call('ZADD', KEYS[1], text(now + tonumber(ARGV[2])), ARGV[1])
redis.call('SET', KEYS[2], ARGV[3], 'NX')
return { known, redis.call('ZCARD', KEYS[1]), redis.call('GET', KEYS[2]) }
`);

/** KEYS: a counter each. ARGV: the holder, then for each counter keep and amount. */
const HOLD = defineScript(`
for i, key in ipairs(KEYS) do
  local a = 2 + (i - 1) * 2
  if tonumber(ARGV[a + 1]) > 0 then
    redis.call('HSET', key, ARGV[1], ARGV[a + 1])
    redis.call('PEXPIRE', key, ARGV[a])
  else
    redis.call('HDEL', key, ARGV[1])
  end
end
`);

/** KEYS: a counter each. ARGV: for each counter keep and level. */
const RAISE = defineScript(`${PRELUDE}
for i, key in ipairs(KEYS) do
  local a = 1 + (i - 1) * 2
  keep(key, math.max(drained(key, 0) or 0, tonumber(ARGV[a + 1])), ARGV[a])
end
`);

/** `holder` names this instance and no other. The connection stays open. */
export function createRedisLeases(redis: RedisConnection, holder: string): Leases {
  return {
    async take(asks) {
      const words = asks.flatMap(({ counter, least, demand, want }) => [
        counter.kind,
        ...numbers(counter.capacity, counter.ratePerMs),
        milliseconds(counter),
        ...numbers(counter.base, least, demand, want),
      ]);
      const keys = asks.map(({ counter }) => keyOf(counter));
      return readTold(await redis.run(TAKE, [INSTANCES, ...keys], [holder, ...words]));
    },
    async give(gifts) {
      if (gifts.length === 0) return;
      const words = gifts.flatMap(({ counter, amount }) => [
        counter.kind,
        ...numbers(counter.ratePerMs),
        milliseconds(counter),
        ...numbers(counter.base, amount),
      ]);
      const keys = gifts.map(({ counter }) => keyOf(counter));
      await redis.run(GIVE, keys, [holder, ...words]);
    },
    async beat() {
      await redis.connect();
      const beat = redis.run(
        BEAT,
        [INSTANCES, MEMORY],
        [holder, String(INSTANCE_MS), crypto.randomUUID()],
      );
      const heard = await within(BEAT_MS, beat);
      if (heard === undefined) {
        redis.abandon();
        beat.catch(() => undefined);
        throw new Error(`no answer within ${BEAT_MS} ms`);
      }
      const [known, instances, memory]: unknown[] = Array.isArray(heard) ? heard : [];
      return { known: known === 1, instances: Number(instances), memory: String(memory) };
    },
    async hold(holdings) {
      if (holdings.length === 0) return;
      const words = holdings.flatMap(({ counter, amount }) => [
        milliseconds(counter),
        ...numbers(amount),
      ]);
      const keys = holdings.map(({ counter }) => keyOf(counter));
      await redis.run(HOLD, keys, [holder, ...words]);
    },
    async raise(levels) {
      if (levels.length === 0) return;
      const words = levels.flatMap(({ counter, amount }) => [
        milliseconds(counter),
        ...numbers(amount),
      ]);
      const keys = levels.map(({ counter }) => keyOf(counter));
      await redis.run(RAISE, keys, words);
    },
    async leave() {
      await redis.send("ZREM", [INSTANCES, holder]);
    },
    async close() {},
  };
}

function keyOf({ id }: Counter): string {
  return `${PREFIX}${id}`;
}

function milliseconds({ keepMs }: Counter): string {
  return String(Math.ceil(keepMs));
}

function numbers(...all: readonly number[]): readonly string[] {
  return all.map(String);
}

function readTold(answer: unknown): readonly Told[] {
  if (!Array.isArray(answer)) throw new Error("redis answered a script with something else");
  const told: Told[] = [];
  for (let at = 0; at + 2 < answer.length; at += 3) {
    const waitMs = Number(answer[at + 2]);
    told.push({
      granted: Number(answer[at]),
      remaining: Number(answer[at + 1]),
      waitMs: waitMs < 0 ? Number.POSITIVE_INFINITY : waitMs,
    });
  }
  return told;
}
