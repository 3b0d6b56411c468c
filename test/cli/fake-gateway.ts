/** A gateway that says what a test tells it to, and remembers what it was asked. */
import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";

export type Asked = {
  readonly path: string;
  readonly authorization: string | null;
  /** The JSON body; undefined for a GET. */
  readonly body: JsonObject | undefined;
};

/** One step of a streamed answer: a delta, a whole chunk, raw SSE text, or waiting until the client is gone. */
export type Step =
  | { readonly delta: JsonObject }
  | { readonly chunk: JsonObject }
  | { readonly raw: string }
  | "hang";

/** A streamed answer, or a whole response. */
export type Reply = readonly Step[] | (() => Response);

export type FakeGateway = {
  readonly url: string;
  readonly asked: readonly Asked[];
  /** How many answers the client left before their end. */
  readonly left: () => number;
  /** What the next chat requests get, in order; the last goes on. */
  answer(...answers: readonly Reply[]): void;
  stop(): Promise<void>;
};

/** The steps of a short good answer. */
export function saying(...words: readonly string[]): readonly Step[] {
  return [
    ...words.map((content): Step => ({ delta: { content } })),
    { chunk: { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] } },
    { chunk: { choices: [], usage: { prompt_tokens: 11, completion_tokens: words.length } } },
    { raw: "data: [DONE]\n\n" },
  ];
}

/** An error in OpenAI's shape. */
export function refusing(status: number, message: string, code: string): () => Response {
  return () => Response.json({ error: { message, type: "error", code, param: null } }, { status });
}

/** Starts one on a free loopback port. */
export function startFakeGateway(models: readonly string[]): FakeGateway {
  const asked: Asked[] = [];
  let answers: readonly Reply[] = [saying("Hello", " there")];
  let position = 0;
  let left = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const path = new URL(request.url).pathname;
      const body: unknown = request.method === "GET" ? undefined : await request.json();
      asked.push({
        path,
        authorization: request.headers.get("authorization"),
        body: isJsonObject(body) ? body : undefined,
      });
      if (request.headers.get("authorization") !== "Bearer XJP_good")
        return refusing(401, "unknown key", "invalid_api_key")();
      if (path === "/v1/models")
        return Response.json({
          object: "list",
          data: models.map((id) => ({ id, object: "model", created: 1, owned_by: "test" })),
        });
      const answer = answers[Math.min(position, answers.length - 1)] ?? [];
      position += 1;
      if (typeof answer === "function") return answer();
      return new Response(
        play(answer, request.signal, () => (left += 1)),
        {
          headers: { "content-type": "text/event-stream" },
        },
      );
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    asked,
    left: () => left,
    answer(...next) {
      [answers, position] = [next, 0];
    },
    stop: () => server.stop(true),
  };
}

async function* play(
  steps: readonly Step[],
  signal: AbortSignal,
  onLeft: () => void,
): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  const gone = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  for (const step of steps) {
    if (step === "hang") {
      await gone;
      onLeft();
      return;
    }
    yield encoder.encode(textOf(step));
  }
}

function textOf(step: Exclude<Step, "hang">): string {
  if ("raw" in step) return step.raw;
  const chunk =
    "chunk" in step
      ? step.chunk
      : { choices: [{ index: 0, delta: step.delta, finish_reason: null }] };
  return `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", model: "m", ...chunk })}\n\n`;
}
