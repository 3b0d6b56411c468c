/** What the gateway expects of every connector that speaks OpenAI's Chat Completions to a provider, on real sockets. */
import { describe } from "bun:test";

import { goodAnswers } from "./connector-answers.ts";
import { breakdowns } from "./connector-breakdowns.ts";
import { failures } from "./connector-failures.ts";
import { leaving } from "./connector-leaving.ts";
import { requests } from "./connector-requests.ts";
import { type ConnectorTraits, useRig } from "./connector-rig.ts";
import { chunk } from "./openai-answers.ts";

const BEGUN = `data: ${JSON.stringify(chunk({ content: "Hel" }))}\n\n`;

/** Declares the suite for one connector. */
export function connectorContract(name: string, traits: ConnectorTraits): void {
  describe(name, () => {
    const rig = useRig(traits);
    goodAnswers(rig);
    requests(rig);
    failures(rig);
    breakdowns(rig, BEGUN);
    leaving(rig, BEGUN);
  });
}
