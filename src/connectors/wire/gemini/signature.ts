/** Thought signatures: https://ai.google.dev/gemini-api/docs/thought-signatures */

/** How the hub calls Gemini's thoughts and signatures; OpenRouter's word for the same. */
export const GEMINI_FORMAT = "google-gemini-v1";

/** Google's documented stand-in for a signature that was lost: the call is taken without being checked. */
export const LOST_SIGNATURE = "skip_thought_signature_validator";
