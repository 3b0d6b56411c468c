/** What something that was thrown says, be it an error or not. It may hold secrets: `messageOf` of the log blots them out. */
export function wordsOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
