/** A server-sent event as text; data of several lines becomes several `data:` lines. */
export function frame(event: string | undefined, data: string): string {
  const lines = data.includes("\n") ? data.replaceAll("\n", "\ndata: ") : data;
  return event === undefined ? `data: ${lines}\n\n` : `event: ${event}\ndata: ${lines}\n\n`;
}
