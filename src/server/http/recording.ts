import type { ChatError } from "../../connectors/hub/error.ts";
import type { KeptAnswer } from "../gateway/idempotency.ts";

/** Follows one answer through a chat door. */
export type Recording = {
  /** The request's body, which has been read already. */
  readonly body: string;
  /** A part of the answer, as the client gets it. */
  onText(text: string): void;
  /** The answer has ended, well or not; called once. */
  onEnd(error?: ChatError): void;
};

/** `end` is told once headers and end are there: the whole answer, what it failed of, or undefined if it came to nothing. */
export function createRecording(
  body: string,
  mostBytes: number,
  end: (outcome: KeptAnswer | ChatError | undefined) => void,
): Recording & { head(headers: Readonly<Record<string, string>>): void } {
  let text = "";
  let isTooLong = false;
  let headers: Readonly<Record<string, string>> | undefined;
  let hasEnded = false;
  const finish = (): void => {
    if (hasEnded && headers) end(isTooLong ? undefined : { headers, body: text });
  };
  return {
    body,
    onText(part) {
      if (isTooLong) return;
      text += part;
      // Bytes are counted when it is kept; a character is at least one.
      if (text.length <= mostBytes) return;
      isTooLong = true;
      text = "";
    },
    onEnd(error) {
      if (error) {
        // One that was left is no failure of the next.
        end(error.kind === "cancelled" ? undefined : error);
        return;
      }
      hasEnded = true;
      finish();
    },
    head(kept) {
      headers = kept;
      finish();
    },
  };
}
