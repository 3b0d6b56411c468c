/** Names of ours and of other makers that OpenAI would find too long. The same name is the same digest wherever it stands. */

/** Of an end user; OpenRouter takes 128. */
const LONGEST_USER = 64;
/** Of a tool call. */
const LONGEST_CALL = 40;

/** An end user's name. Claude Code's has some 170 characters; a digest tells users apart just as well. */
export function shortUser(user: string): string {
  return user.length <= LONGEST_USER ? user : digest(user);
}

/** The id of a tool call, in the call and in its result. */
export function shortCallId(id: string): string {
  return id.length <= LONGEST_CALL ? id : `call_${digest(id)}`.slice(0, LONGEST_CALL);
}

function digest(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}
