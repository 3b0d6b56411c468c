/** One cell of the matrix: a door's request to a provider, and its answer back to the door. */
import type { Fetch, UpstreamMessage } from "../../src/connectors/connector.ts";
import { ChatError } from "../../src/connectors/hub/error.ts";
import { isJsonObject, type JsonObject } from "../../src/connectors/hub/json.ts";
import type { ClientHalf, ReplyContext } from "../../src/connectors/hub/wire.ts";
import { createConnector } from "../../src/connectors/index.ts";
import { anthropicMessagesClient } from "../../src/connectors/wire/anthropic-messages/ingress.ts";
import { openaiChatClient } from "../../src/connectors/wire/openai-chat/ingress.ts";
import { wholeReply } from "../../src/server/http/respond.ts";
import { PATIENT } from "../contract/calling.ts";
import { respond } from "./answers.ts";
import type { DoorName, Scenario } from "./scenarios.ts";
import type { MatrixTarget } from "./targets.ts";

export const doors: Readonly<Record<DoorName, ClientHalf>> = {
  "openai-chat": openaiChatClient,
  "anthropic-messages": anthropicMessagesClient,
};

export type Cell =
  | { readonly refused: { readonly param: string; readonly message: string } }
  | {
      readonly path: string;
      readonly body: JsonObject;
      /** Whether the body is the caller's but for the model's name. */
      readonly verbatim: boolean;
      /** Harmless wishes that were left out, and named to the caller. */
      readonly dropped: readonly string[];
      /** What the client gets: one object, or the text of a stream. */
      readonly answer: JsonObject | string;
    };

/** The model's name at the gateway. */
const LOGICAL = "logical";
const CONTEXT: ReplyContext = {
  requestId: "req_1",
  model: LOGICAL,
  created: 1_790_000_000,
  streamUsage: true,
  estimateInput: () => 20,
};

/** Asks, with the provider's answer made up by the scenario. */
export async function fillCell(
  door: DoorName,
  target: MatrixTarget,
  scenario: Scenario,
): Promise<Cell> {
  const client = doors[door];
  const body = { model: LOGICAL, ...scenario.requests[door] };
  const request = client.decodeRequest(JSON.stringify(body));
  let path = "";
  let sent: JsonObject = {};
  const fetch: Fetch = (url, init) => {
    const { pathname, search } = new URL(url);
    path = pathname + search;
    const read: unknown = typeof init.body === "string" ? JSON.parse(init.body) : undefined;
    if (isJsonObject(read)) sent = read;
    return Promise.resolve(respond(scenario.answer, url, request.stream));
  };
  const connector = createConnector({
    name: "p",
    headers: {},
    apiKeys: [],
    ...target.options,
    fetch,
  });
  const dropped = new Set<string>();
  const call = {
    target: { provider: "p", model: target.model },
    timeouts: PATIENT,
    signal: new AbortController().signal,
    requestId: "req_1",
    headers: new Headers(),
    drop: (field: string) => dropped.add(field),
  };
  try {
    const { answer, raw } = request.stream
      ? await streamed(client, connector.chat(request, call))
      : whole(client, await connector.complete(request, call));
    return {
      path,
      body: sent,
      verbatim: raw && isSame(sent, body),
      dropped: [...dropped].toSorted(),
      answer,
    };
  } catch (thrown) {
    if (!(thrown instanceof ChatError) || path !== "") throw thrown;
    return { refused: { param: thrown.param ?? "", message: thrown.message } };
  } finally {
    connector.close();
  }
}

type Told = { readonly answer: JsonObject | string; readonly raw: boolean };

function whole(client: ClientHalf, message: UpstreamMessage): Told {
  const reply: unknown = JSON.parse(wholeReply(client, message, CONTEXT));
  return { answer: isJsonObject(reply) ? reply : {}, raw: message.raw?.dialect === client.dialect };
}

/** As the door writes it. */
async function streamed(
  client: ClientHalf,
  messages: AsyncIterable<UpstreamMessage>,
): Promise<Told> {
  const encoder = client.encodeStream(CONTEXT);
  let answer = "";
  let isRaw = false;
  for await (const { raw, events } of messages) {
    if (raw?.dialect === client.dialect) {
      isRaw = true;
      answer += encoder.pass(raw);
    } else for (const event of events) answer += encoder.push(event);
  }
  return { answer: answer + encoder.end(), raw: isRaw };
}

/** Whether nothing differs but the model's name, or what Google wants in its place. */
function isSame(sent: JsonObject, body: JsonObject): boolean {
  const { model: _, anthropic_version: __, ...of } = sent;
  const { model: ___, ...from } = body;
  return Bun.deepEquals(of, from);
}
