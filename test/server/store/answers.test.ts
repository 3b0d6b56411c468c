import { join } from "node:path";
import { migrate } from "../../../src/server/store/migrate.ts";
import { openStore } from "../../../src/server/store/open.ts";
import { createRedisAnswers } from "../../../src/server/store/redis/answers.ts";
import { openRedis } from "../../../src/server/store/redis/connection.ts";
import { answersContract } from "../../contract/answers.ts";
import { createMemoryAnswers } from "../../support/memory-answers.ts";
import { makeDatabase, testServers } from "../../support/postgres.ts";
import { isWithoutRedis, startRedis } from "../../support/redis.ts";
import { temporaryFolder } from "./temporary.ts";

answersContract("answers in memory", async () => ({
  answers: createMemoryAnswers(),
  async close() {},
}));

answersContract("answers in SQLite", async () => {
  const folder = temporaryFolder();
  const url = `sqlite:${join(folder.path, "xjp.db")}`;
  await migrate(url);
  const store = await openStore(url);
  return {
    answers: store,
    async close() {
      await store.close();
      folder.remove();
    },
  };
});

for (const server of testServers()) {
  answersContract(`answers in ${server.name}`, async () => {
    const database = await makeDatabase(server);
    const store = await openStore(database.url);
    return {
      answers: store,
      async close() {
        await store.close();
        await database.drop();
      },
    };
  });
}

if (!isWithoutRedis()) {
  answersContract("answers in Redis", async () => {
    const server = await startRedis();
    const redis = openRedis(server.url);
    await redis.connect();
    return {
      answers: createRedisAnswers(redis, Date.now),
      async close() {
        redis.close();
        await server.remove();
      },
    };
  });
}
