/** A provider on loopback that answers at once, or streams at the pace that the model's name tells. Prints its port. */
import { paceOf, REPLY, STREAM_END, STREAM_EVENT, type Pace } from "./workload.ts";

const encoder = new TextEncoder();
const EVENT = encoder.encode(STREAM_EVENT);
const END = encoder.encode(STREAM_END);

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  async fetch(request) {
    const { model }: { readonly model?: unknown } = JSON.parse(await request.text());
    const pace = paceOf(String(model));
    if (!pace) return new Response(REPLY, { headers: { "content-type": "application/json" } });
    return new Response(stream(pace), { headers: { "content-type": "text/event-stream" } });
  },
});

process.stdout.write(`${server.port}\n`);

async function* stream({ chunks, everyMs }: Pace): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < chunks; sent += 1) {
    yield EVENT;
    await Bun.sleep(everyMs);
  }
  yield END;
}
