import { OPEN_MODEL_SAMPLING, type Profile, TEXT_AND_IMAGES, THREE_EFFORTS } from "./profile.ts";

/** Servers on one's own machines, at the addresses where they listen unless told otherwise. They need no key. */
export const selfHosted: Readonly<Record<string, Profile>> = {
  /** https://docs.ollama.com/api/openai-compatibility */
  ollama: {
    baseUrl: "http://localhost:11434/v1",
    needsKey: false,
    quirks: {
      efforts: ["none", ...THREE_EFFORTS],
      reasoningField: "reasoning",
      supports: {
        ...TEXT_AND_IMAGES,
        // "image URLs are not currently supported".
        mediaUrls: false,
        strictTools: false,
        parallelToolCalls: false,
        logitBias: false,
        user: false,
      },
    },
  },

  /** https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html */
  vllm: {
    baseUrl: "http://localhost:8000/v1",
    needsKey: false,
    quirks: {
      reasoningField: "reasoning_content",
      supports: { ...OPEN_MODEL_SAMPLING, files: false, video: true },
    },
  },

  /** https://docs.sglang.ai/basic_usage/openai_api.html */
  sglang: {
    baseUrl: "http://localhost:30000/v1",
    needsKey: false,
    quirks: {
      reasoningField: "reasoning_content",
      supports: { ...OPEN_MODEL_SAMPLING, files: false, video: true },
    },
  },

  /** https://lmstudio.ai/docs/developer/openai-compat */
  "lm-studio": {
    baseUrl: "http://localhost:1234/v1",
    needsKey: false,
    quirks: {
      reasoningField: "reasoning_content",
      supports: {
        ...TEXT_AND_IMAGES,
        // github.com/lmstudio-ai/lmstudio-bug-tracker issue 1120, 2025-10.
        mediaUrls: false,
        topK: true,
        repetitionPenalty: true,
        strictTools: false,
        parallelToolCalls: false,
        logprobs: false,
        user: false,
      },
    },
  },

  /** https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md */
  "llama-cpp": {
    baseUrl: "http://localhost:8080/v1",
    needsKey: false,
    quirks: {
      reasoningField: "reasoning_content",
      supports: { ...OPEN_MODEL_SAMPLING, files: false, strictTools: false },
    },
  },
};
