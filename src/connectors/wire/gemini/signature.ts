/** Thought signatures: https://ai.google.dev/gemini-api/docs/thought-signatures */

/** How the hub calls Gemini's thoughts and signatures; OpenRouter's word for the same. */
export const GEMINI_FORMAT = "google-gemini-v1";

/** The code of an error that is about signatures: one that another project, model or host has made, or none at all. */
export const SIGNATURE_REFUSED = "thought_signature_refused";

/** Google's documented stand-in for a signature that was lost: the call is taken without being checked. */
export const LOST_SIGNATURE = "skip_thought_signature_validator";
