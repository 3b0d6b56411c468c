/**
 * The least that a gateway in Bun can do: parse the request, change the model's name, send it on, and change the name back in
 * the reply. Streams are handed through unread. No key, no route, no books. The word it is started with is the provider's URL; prints its port.
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
    const { model } = body;
    if (body.stream !== true) body.model = PLAIN;
    const answer = await session.fetch(upstream, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer sk-bench" },
      body: JSON.stringify(body),
      signal: request.signal,
    });
    if (body.stream === true) {
      return new Response(answer.body, { headers: { "content-type": "text/event-stream" } });
    }
    const reply: { model: string } = JSON.parse(await answer.text());
    reply.model = model;
    return Response.json(reply, { status: answer.status });
  },
});

process.stdout.write(`${server.port}\n`);
