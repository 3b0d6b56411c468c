/** What is asked and answered in all benches, and how a model's name tells the fake provider what to do. */

/** Chunks of a stream and the milliseconds between them. */
export type Pace = { readonly chunks: number; readonly everyMs: number };

/** The provider's model that answers whole. */
export const PLAIN = "maker/plain";

/** The provider's model that streams at a pace. */
export function streamModel({ chunks, everyMs }: Pace): string {
  return `maker/stream-${chunks}-${everyMs}`;
}

/** The pace in a model's name, or undefined for one that answers whole. */
export function paceOf(model: string): Pace | undefined {
  const match = /stream-(\d+)-(\d+)$/.exec(model);
  return match ? { chunks: Number(match[1]), everyMs: Number(match[2]) } : undefined;
}

/** A request of about a kilobyte. */
export function requestBody(model: string, stream: boolean): string {
  return JSON.stringify({
    model,
    messages: [
      { role: "system", content: "You are a helpful assistant. Answer in one paragraph." },
      { role: "user", content: "What does a gateway do all day? ".repeat(25) },
    ],
    temperature: 0.7,
    max_tokens: 300,
    ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  });
}

/** A reply of about a kilobyte. */
export const REPLY = JSON.stringify({
  id: "gen-bench",
  object: "chat.completion",
  created: 1_790_000_000,
  model: PLAIN,
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        content: "It stands between two sides and lets pass. ".repeat(18),
      },
      finish_reason: "stop",
    },
  ],
  usage: { prompt_tokens: 190, completion_tokens: 160, total_tokens: 350, cost: 0.00042 },
});

const CHUNK = { id: "gen-bench", object: "chat.completion.chunk", created: 1_790_000_000 };

/** One event of a stream. */
export const STREAM_EVENT = event({
  ...CHUNK,
  model: PLAIN,
  choices: [{ index: 0, delta: { content: " some words" }, finish_reason: null }],
});

/** The end of a stream. */
export const STREAM_END = `${event({
  ...CHUNK,
  model: PLAIN,
  choices: [{ index: 0, delta: {}, finish_reason: "stop" }],
})}${event({
  ...CHUNK,
  model: PLAIN,
  choices: [],
  usage: { prompt_tokens: 190, completion_tokens: 160, total_tokens: 350, cost: 0.00042 },
})}data: [DONE]\n\n`;

function event(payload: object): string {
  return `data: ${JSON.stringify(payload)}\n\n`;
}
