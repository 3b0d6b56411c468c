/** How files of a type begin. `at` is where the bytes stand, 0 unless told. */
const SIGNATURES: readonly {
  readonly type: string;
  readonly bytes: string;
  readonly at?: number;
}[] = [
  { type: "image/png", bytes: "\x89PNG\r\n\x1a\n" },
  { type: "image/jpeg", bytes: "\xff\xd8\xff" },
  { type: "image/gif", bytes: "GIF8" },
  { type: "image/webp", bytes: "WEBP", at: 8 },
  { type: "image/bmp", bytes: "BM" },
  { type: "image/avif", bytes: "ftypavif", at: 4 },
  { type: "image/heic", bytes: "ftypheic", at: 4 },
  { type: "application/pdf", bytes: "%PDF-" },
  { type: "audio/wav", bytes: "WAVE", at: 8 },
  { type: "audio/ogg", bytes: "OggS" },
  { type: "audio/flac", bytes: "fLaC" },
  { type: "audio/mpeg", bytes: "ID3" },
  { type: "audio/mp4", bytes: "ftypM4A", at: 4 },
  { type: "video/mp4", bytes: "ftyp", at: 4 },
  { type: "video/webm", bytes: "\x1a\x45\xdf\xa3" },
];

/** The MIME type that the first bytes of a file tell, or undefined. */
export function sniffType(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  return SIGNATURES.find(({ bytes: mark, at = 0 }) => head.startsWith(mark, at))?.type;
}
