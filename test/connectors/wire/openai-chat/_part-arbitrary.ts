/** Parts of messages as the hub has them and this dialect can say them. */
import * as fc from "fast-check";

export const word = fc.string({ minLength: 1, maxLength: 12 });
export const integer = fc.integer({ min: 0, max: 1_000_000 });
// JSON has no minus zero.
export const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
export const cache = fc.record(
  { ttl: fc.constantFrom<"5m" | "1h">("5m", "1h") },
  { requiredKeys: [] },
);
export const jsonObject = fc.dictionary(word, fc.jsonValue());

const base64 = fc.base64String({ minLength: 4, maxLength: 12 });
export const url = fc.webUrl().map((text) => ({ kind: "url" as const, url: text }));
const bytes = base64.map((data) => ({ kind: "base64" as const, data }));
export const fileId = word.map((id) => ({ kind: "file-id" as const, id }));

export const textPart = fc.record(
  { type: fc.constant("text" as const), text: word, cache },
  { requiredKeys: ["type", "text"] },
);
const detail = fc.constantFrom<"low" | "high" | "auto" | "original">(
  "low",
  "high",
  "auto",
  "original",
);
const image = fc.constant("image" as const);
const imagePart = fc.oneof(
  fc.record({ type: image, source: url, detail, cache }, { requiredKeys: ["type", "source"] }),
  fc.record(
    { type: image, source: bytes, mimeType: fc.constant("image/png"), detail, cache },
    { requiredKeys: ["type", "source", "mimeType"] },
  ),
);
const audioPart = fc.record({
  type: fc.constant("audio" as const),
  source: bytes,
  mimeType: fc.constantFrom("audio/wav", "audio/mpeg", "audio/mp4", "audio/ogg"),
});
const video = fc.constant("video" as const);
const videoPart = fc.oneof(
  fc.record({ type: video, source: url }),
  fc.record({ type: video, source: bytes, mimeType: fc.constant("video/mp4") }),
);
const file = fc.constant("file" as const);
const filePart = fc.oneof(
  fc.record({ type: file, source: url, filename: word }, { requiredKeys: ["type", "source"] }),
  fc.record({ type: file, source: fileId, filename: word }, { requiredKeys: ["type", "source"] }),
  fc.record(
    { type: file, source: bytes, mimeType: fc.constant("application/pdf"), filename: word },
    { requiredKeys: ["type", "source", "mimeType"] },
  ),
);
export const contentPart = fc.oneof(textPart, imagePart, audioPart, videoPart, filePart);

const reasoningMarks = { id: word, format: word };
const reasoning = fc.constant("reasoning" as const);
export const reasoningPart = fc.oneof(
  fc.record(
    {
      type: reasoning,
      form: fc.constant("text" as const),
      text: word,
      signature: word,
      ...reasoningMarks,
    },
    { requiredKeys: ["type", "form", "text"] },
  ),
  fc.record(
    { type: reasoning, form: fc.constant("summary" as const), text: word, ...reasoningMarks },
    { requiredKeys: ["type", "form", "text"] },
  ),
  fc.record(
    {
      type: reasoning,
      form: fc.constant("encrypted" as const),
      text: fc.constant(""),
      data: word,
      ...reasoningMarks,
    },
    { requiredKeys: ["type", "form", "text", "data"] },
  ),
);
export const toolCall = fc.record(
  {
    type: fc.constant("tool-call" as const),
    id: word,
    name: word,
    arguments: fc.oneof(
      jsonObject.map((value) => JSON.stringify(value)),
      word,
    ),
    signature: word,
    cache,
  },
  { requiredKeys: ["type", "id", "name", "arguments"] },
);
export const refusalPart = fc.record({ type: fc.constant("refusal" as const), text: word });
export const madeImage = fc.record({ type: image, source: url });
export const madeAudio = fc.record({ type: fc.constant("audio" as const), source: fileId });
