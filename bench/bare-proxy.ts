/**
 * The least that a gateway in Bun can do: parse the request, change the model's name, send it on, hand back what comes. No
 * key, no route, no books. The word it is started with is the provider's URL; prints its port.
 */
import { PLAIN } from "./workload.ts";

const [upstream = ""] = process.argv.slice(2);
const session = new Bun.FetchSession({ keepAlive: { idleTimeout: 60, maxIdleSockets: 4096 } });

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  async fetch(request) {
    const body: { model: string; stream?: boolean } = JSON.parse(await request.text());
    body.model = body.stream === true ? body.model : PLAIN;
    const answer = await session.fetch(upstream, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer sk-bench" },
      body: JSON.stringify(body),
      signal: request.signal,
    });
    const headers = { "content-type": answer.headers.get("content-type") ?? "" };
    if (body.stream === true) return new Response(answer.body, { headers });
    return new Response(await answer.text(), { status: answer.status, headers });
  },
});

process.stdout.write(`${server.port}\n`);
