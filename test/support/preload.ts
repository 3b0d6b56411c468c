/** What a whole test run begins and ends with. */
import { afterAll } from "bun:test";

afterAll(async () => {
  // Loaded only now: most runs of one file need no server.
  const { dropTemplates } = await import("./postgres.ts");
  await dropTemplates();
  const { stopServers } = await import("./postgres-process.ts");
  stopServers();
  const { stopRedis } = await import("./redis.ts");
  await stopRedis();
});
