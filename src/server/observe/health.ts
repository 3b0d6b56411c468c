import { within } from "../within.ts";
import { wordsOf } from "../words.ts";

/** What is amiss with the running gateway. Whoever knows of something watches over it here; the probe and the metrics tell. */
export type Health = {
  /**
   * Adds something to ask whenever somebody wants to know: `look` says what is amiss, or undefined. A short text for an operator,
   * without secrets; quick, since a probe waits. Under a name once taken the new one counts. Gives the way to end it.
   */
  watch(name: string, look: () => string | undefined | Promise<string | undefined>): () => void;
  /** What is amiss, by name in the order of watching. Never rejects and never waits long. */
  faults(): Promise<Readonly<Record<string, string>>>;
};

/** Probes of orchestrators give up after a second. */
const LOOK_MS = 500;

/** Watches nothing yet. A look that takes longer than `lookMs` is itself what is amiss. */
export function createHealth(lookMs = LOOK_MS): Health {
  const looks = new Map<string, () => string | undefined | Promise<string | undefined>>();
  /** Of looks that have not ended yet, so that a hanging one is not begun again and again. */
  const running = new Map<string, Promise<string | undefined>>();

  async function ask(name: string): Promise<string | undefined> {
    let asked = running.get(name);
    if (asked === undefined) {
      asked = Promise.try(async () => looks.get(name)?.()).catch((thrown: unknown) =>
        wordsOf(thrown),
      );
      running.set(name, asked);
      void asked.then(() => running.delete(name));
    }
    const told = await within(
      lookMs,
      asked.then((fault) => ({ fault })),
    );
    return told ? told.fault : `does not answer within ${lookMs} ms`;
  }

  return {
    watch(name, look) {
      looks.set(name, look);
      return () => {
        if (looks.get(name) === look) looks.delete(name);
      };
    },
    async faults() {
      const names = [...looks.keys()];
      const found = await Promise.all(names.map(ask));
      const faults: Record<string, string> = {};
      for (const [index, name] of names.entries()) {
        const fault = found[index];
        if (fault !== undefined) faults[name] = fault;
      }
      return faults;
    },
  };
}
