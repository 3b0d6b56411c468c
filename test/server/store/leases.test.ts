import { createPostgresLeases } from "../../../src/server/store/postgres/leases.ts";
import { openRedis } from "../../../src/server/store/redis/connection.ts";
import { createRedisLeases } from "../../../src/server/store/redis/leases.ts";
import { leasesContract } from "../../contract/leases.ts";
import { createMemoryCentre } from "../../support/memory-leases.ts";
import { makeDatabase, testServers } from "../../support/postgres.ts";
import { isWithoutRedis, redisUrl } from "../../support/redis.ts";
import { fixedClock } from "../gateway/_setup.ts";

leasesContract("leases in memory", async () => {
  const clock = fixedClock();
  const centre = createMemoryCentre(clock);
  return {
    open: (holder) => centre.open(holder),
    async pass(ms) {
      clock.advance(ms);
    },
    async close() {},
  };
});

if (!isWithoutRedis()) {
  leasesContract("leases in Redis", async () => {
    const redis = openRedis(await redisUrl());
    await redis.connect();
    return {
      open: (holder) => createRedisLeases(redis, holder),
      // The server's own clock, which nobody can move.
      pass: (ms) => Bun.sleep(ms),
      async close() {
        redis.close();
      },
    };
  });
}

for (const server of testServers()) {
  leasesContract(`leases in ${server.name}`, async () => {
    const database = await makeDatabase(server);
    return {
      open: (holder) => createPostgresLeases(database.url, holder, Date.now),
      pass: (ms) => Bun.sleep(ms),
      close: () => database.drop(),
    };
  });
}
