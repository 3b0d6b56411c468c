import { ChatError } from "../../src/connectors/hub/error.ts";

/** What a promise was rejected with. Throws when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (thrown) {
    return thrown;
  }
  throw new Error("it was not refused");
}

/** The message of the error that a promise was rejected with. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  const thrown = await rejection(promise);
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The ChatError that a promise was rejected with. */
export async function errorOf(promise: Promise<unknown>): Promise<ChatError> {
  return chatError(await rejection(promise));
}

/** The ChatError that an action throws. */
export function chatErrorOf(action: () => unknown): ChatError {
  let thrown: unknown;
  try {
    action();
  } catch (error) {
    thrown = error;
  }
  return chatError(thrown);
}

function chatError(thrown: unknown): ChatError {
  if (thrown instanceof ChatError) return thrown;
  throw new Error("no ChatError was thrown", { cause: thrown });
}
