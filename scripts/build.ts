/**
 * Builds `dist/xjp`: one executable that needs no other file. ESM with splitting keeps commands apart, so that `--version`
 * loads next to nothing; bytecode saves parsing at every start.
 *
 *     bun scripts/build.ts [--target=bun-linux-arm64]      other targets are written as dist/xjp-linux-arm64
 */
import { mkdtemp, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

const ROOT = join(import.meta.dir, "..");
const DIST = join(ROOT, "dist");
const TARGET = /^bun-(?:linux|darwin)-(?:x64|arm64)(?:-[a-z0-9]+)*$/u;

function isTarget(text: string): text is Bun.Build.CompileTarget {
  return TARGET.test(text);
}

/** The commit this tree stands at, marked if files differ from it; empty outside a git checkout. */
async function readCommit(): Promise<string> {
  const run = Bun.spawn(["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"], {
    cwd: ROOT,
    stdout: "pipe",
    stderr: "ignore",
  });
  const [text, code] = await Promise.all([new Response(run.stdout).text(), run.exited]);
  return code === 0 ? text.trim() : "";
}

async function build(target: string | undefined): Promise<string> {
  if (target !== undefined && !isTarget(target)) {
    throw new Error(`--target: "${target}" is not of the form bun-linux-x64 or bun-darwin-arm64`);
  }
  const outfile = join(DIST, target === undefined ? "xjp" : target.replace(/^bun-/u, "xjp-"));
  const commit = Bun.which("git") === null ? "" : await readCommit();
  await mkdir(DIST, { recursive: true });
  // Bun leaves a copy of the embedded source maps beside its output; only the executable is moved to its place, in one
  // step, so that one which is running, or another build at the same time, does no harm.
  const workshop = await mkdtemp(join(DIST, ".build-"));
  try {
    await compile(join(workshop, "xjp"), target, commit);
    await rename(join(workshop, "xjp"), outfile);
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
  return outfile;
}

async function compile(
  outfile: string,
  target: Bun.Build.CompileTarget | undefined,
  commit: string,
): Promise<void> {
  const result = await Bun.build({
    entrypoints: [join(ROOT, "src/cli/main.ts")],
    compile: {
      outfile,
      // Without these two the binary would read .env and bunfig.toml of whatever folder it is started in.
      autoloadDotenv: false,
      autoloadBunfig: false,
      ...(target === undefined ? {} : { target }),
    },
    format: "esm",
    splitting: true,
    bytecode: true,
    minify: true,
    sourcemap: "linked",
    define: { "process.env.XJP_COMMIT": JSON.stringify(commit) },
  });
  for (const log of result.logs) process.stderr.write(`${Bun.inspect(log)}\n`);
  if (!result.success) throw new Error("the build failed");
}

try {
  const { values } = parseArgs({ options: { target: { type: "string" } } });
  const started = performance.now();
  const outfile = await build(values.target);
  const megabytes = (Bun.file(outfile).size / 1_000_000).toFixed(1);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${outfile.slice(ROOT.length + 1)}: ${megabytes} MB in ${seconds} s\n`);
} catch (error) {
  // What Bun finds in the source comes with its place there; the rest is a plain message.
  const found = error instanceof AggregateError ? error.errors.map((one) => Bun.inspect(one)) : [];
  const messages = error instanceof Error && found.length === 0 ? [error.message] : found;
  for (const message of messages) process.stderr.write(`build: ${message}\n`);
  process.exitCode = 1;
}
