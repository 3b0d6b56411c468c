import { fstatSync } from "node:fs";

/**
 * What was piped into this process, or undefined. Pipes and files are read to their end. A socket is what programs give their
 * children when they mean nothing by it, and may stay open for ever: it is read only when nothing else could be the prompt.
 */
export async function readPiped(hasPrompt: boolean): Promise<string | undefined> {
  if (process.stdin.isTTY) return undefined;
  if (!isReadable(hasPrompt)) return undefined;
  const text = (await Bun.stdin.text()).replace(/\r?\n$/, "");
  return text.trim() === "" ? undefined : text;
}

function isReadable(hasPrompt: boolean): boolean {
  try {
    const input = fstatSync(0);
    return input.isFIFO() || input.isFile() || (input.isSocket() && !hasPrompt);
  } catch {
    // Standard input is closed.
    return false;
  }
}
