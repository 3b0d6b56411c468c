/**
 * A provider that lives in the gateway and needs no key and no network: `echo`, `story`, `reason`, `tools`, `json` and the
 * `fail-…` models. `@N` after the name sets the pace in tokens a second, `@max` sets none. It reads the neutral request and
 * gives neutral events only, so whoever talks to it goes through translation.
 */
import type { Capabilities } from "./capabilities.ts";
import type { ChatCall, Connector, ConnectorOptions, UpstreamMessage } from "./connector.ts";
import type { Answer, DemoModel } from "./demo/answer.ts";
import { parseModelName } from "./demo/model-name.ts";
import { echo } from "./demo/models/echo.ts";
import { createFailingModels } from "./demo/models/failing.ts";
import { json } from "./demo/models/json.ts";
import { reason } from "./demo/models/reason.ts";
import { story } from "./demo/models/story.ts";
import { tools } from "./demo/models/tools.ts";
import { createPacer, systemClock, type Clock, type Pacer } from "./demo/pace.ts";
import { writeScript, type Script } from "./demo/script.ts";
import { checkRequest } from "./demo/support.ts";
import { ChatError, type Timer } from "./hub/error.ts";
import type { ChatEvent } from "./hub/event.ts";
import type { ChatRequest } from "./hub/request.ts";
import { toBrokenBody, toTimeout } from "./net/failure.ts";

/** Tokens a second of a stream whose model name says nothing. */
const DEFAULT_RATE = 40;

/** What `setTimeout` can wait at most, 24 days; it stands for the timers that never run out. */
const LONGEST_MS = 2 ** 31 - 1;
const HOST = "the demo provider";

/** It makes its answers up, so it can look at anything. */
const CAPABILITIES: Capabilities = {
  image: ["url", "base64"],
  file: ["url", "base64"],
  audio: ["url", "base64"],
  video: ["url", "base64"],
  tools: true,
  jsonObject: true,
  jsonSchema: true,
  reasoning: true,
  prefill: false,
};

/** Never answers; the timer runs out (0 and Infinity never do), or the signal aborts first. */
async function stayDumb(
  clock: Clock,
  ms: number,
  timer: Timer,
  signal: AbortSignal,
): Promise<never> {
  const runsOut = ms > 0 && ms <= LONGEST_MS;
  await clock.wait(runsOut ? ms : LONGEST_MS, signal);
  throw toTimeout(timer, ms, HOST);
}

/** The events of each moment, at the script's pace; breaks where the answer says so. */
async function* perform(
  script: Script,
  fault: Answer["fault"],
  pacer: Pacer,
  onStall: () => Promise<never>,
  signal: AbortSignal,
): AsyncGenerator<readonly ChatEvent[]> {
  yield [script.start];
  const half = Math.floor(script.steps.length / 2);
  for (const [position, step] of script.steps.entries()) {
    if (fault === "stall" && position === half) await onStall();
    if (fault === "cut" && position === half) {
      throw toBrokenBody(new DOMException("cut", "ConnectionClosed"), HOST);
    }
    await pacer.next(signal);
    if (step.length > 0) yield step;
  }
  yield script.end;
}

/** `clock` is the machine's unless a test brings its own. */
export function createDemoConnector(
  options: Pick<ConnectorOptions, "name">,
  clock: Clock = systemClock,
): Connector {
  const models: readonly DemoModel[] = [echo, story, reason, tools, json, ...createFailingModels()];

  const findModel = (id: string): DemoModel => {
    const model = models.find((candidate) => candidate.id === id);
    if (model) return model;
    const names = models.map((candidate) => candidate.id).join(", ");
    throw new ChatError("not-found", `the demo provider has no model "${id}"; it has ${names}`, {
      param: "model",
      code: "model_not_found",
    });
  };

  /** Everything up to the first token, and then what is to be said, how. */
  const prepare = async (request: ChatRequest, call: ChatCall) => {
    const name = parseModelName(call.target.model);
    const model = findModel(name.id);
    checkRequest(request, model, call.drop);
    const { fault, blocks } = model.answer(request);
    const { headersMs } = call.timeouts;
    if (fault === "silent") await stayDumb(clock, headersMs, "headers", call.signal);
    const script = writeScript(request, model.id, blocks);
    const rate = name.rate ?? (request.stream ? DEFAULT_RATE : Infinity);
    return { fault, script, rate, pacer: createPacer(rate, clock) };
  };

  async function* stream(request: ChatRequest, call: ChatCall): AsyncGenerator<UpstreamMessage> {
    const { signal, timeouts } = call;
    const { fault, script, pacer } = await prepare(request, call);
    const stall = (): Promise<never> => stayDumb(clock, timeouts.idleMs, "idle", signal);
    for await (const events of perform(script, fault, pacer, stall, signal)) yield { events };
  }

  const complete = async (request: ChatRequest, call: ChatCall): Promise<UpstreamMessage> => {
    const { signal, timeouts } = call;
    const { fault, script, rate, pacer } = await prepare(request, call);
    // Such an answer has its headers when it is finished, so that timer runs over all of it.
    const { headersMs } = timeouts;
    const stall = (): Promise<never> => stayDumb(clock, headersMs, "headers", signal);
    const wholeMs = (Math.max(0, script.steps.length - 1) * 1000) / rate;
    if (headersMs > 0 && wholeMs > headersMs) await stall();
    const whole: ChatEvent[] = [];
    for await (const events of perform(script, fault, pacer, stall, signal)) whole.push(...events);
    return { events: whole };
  };

  return {
    name: options.name,
    chat: stream,
    complete,
    capabilities: () => CAPABILITIES,
    has(model) {
      try {
        return models.includes(findModel(parseModelName(model).id));
      } catch (error) {
        if (error instanceof ChatError) return false;
        throw error;
      }
    },
    models: () =>
      Promise.resolve(
        models.map(({ id, title }) => ({ id, ownedBy: "xjp", displayName: `${id}: ${title}` })),
      ),
    close: () => {},
  };
}
