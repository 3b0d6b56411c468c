/**
 * Answers that are given again to requests with the same Idempotency-Key. Ids, fingerprints and times are made above; `holder` names
 * the process that works on an answer and no other.
 */

/** What is known of a request's key: nothing until now, that it runs, or how it was answered. */
export type Claimed =
  | { readonly state: "claimed" }
  | { readonly state: "running"; readonly fingerprint: string }
  | { readonly state: "answered"; readonly fingerprint: string; readonly answer: string };

export type Claim = {
  readonly id: string;
  readonly fingerprint: string;
  readonly holder: string;
  /** Unix milliseconds. */
  readonly now: number;
  /** Until when nobody else may have it, unless renewed. */
  readonly until: number;
};

export type Answers = {
  /** Takes the id if it is new or has lapsed, else says what became of it. Of several at once one gets it. */
  claimAnswer(claim: Claim): Promise<Claimed>;
  /** Holds on to ids whose requests still run. */
  renewAnswers(ids: readonly string[], holder: string, until: number): Promise<void>;
  /** Keeps the answer until a time. Nothing if another holder has taken the id over. */
  keepAnswer(id: string, holder: string, answer: string, until: number): Promise<void>;
  /** Forgets an id whose request has failed, so that it may be tried again. */
  releaseAnswer(id: string, holder: string): Promise<void>;
  /** Deletes what has lapsed, and of the rest what lapses first until it is no more than `mostBytes`. */
  pruneAnswers(now: number, mostBytes: number): Promise<void>;
};
