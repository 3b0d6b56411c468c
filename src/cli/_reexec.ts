/**
 * Bun's `fetch` runs at most 256 requests at once unless this variable is in the environment when the process starts; setting
 * it later does nothing. 65535 is the most that Bun takes.
 */
const variable = "BUN_CONFIG_MAX_HTTP_REQUESTS";
const most = "65535";

/**
 * Replaces this process by itself with room for many upstream requests, unless it has that room already. Returns when there is
 * nothing to do or nothing can be done. The variable that it sets is also what keeps it from happening twice.
 */
export function reexecWithRoom(): void {
  if (process.env[variable] !== undefined || process.execve === undefined) return;
  // A compiled program's argv begins with two words that nobody typed; a script's second word is the script.
  const compiled = Bun.main.startsWith("/$bunfs/");
  const words = compiled ? process.argv.slice(2) : [...process.execArgv, ...process.argv.slice(1)];
  try {
    process.execve(process.execPath, [process.execPath, ...words], {
      ...process.env,
      [variable]: most,
    });
  } catch {
    // The program was moved or may not be executed: serving 256 at once beats not serving.
  }
}
