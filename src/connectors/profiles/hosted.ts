import {
  OPEN_MODEL_SAMPLING,
  type Profile,
  TEXT_AND_IMAGES,
  TEXT_ONLY,
  THREE_EFFORTS,
} from "./profile.ts";

/** International endpoint; https://www.alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope */
const ALIBABA: Profile = {
  baseUrl: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
  keyVariable: "DASHSCOPE_API_KEY",
  needsKey: true,
  quirks: {
    reasoningRequest: "enable_thinking",
    reasoningField: "reasoning_content",
    supports: {
      files: false,
      video: true,
      topK: true,
      repetitionPenalty: true,
      strictTools: false,
      logitBias: false,
      user: false,
    },
  },
};

/** https://docs.z.ai/api-reference/llm/chat-completion */
const ZAI: Omit<Profile, "baseUrl"> = {
  keyVariable: "ZAI_API_KEY",
  needsKey: true,
  quirks: {
    // Usage is in the last chunk, asked for or not.
    streamUsage: "always",
    reasoningRequest: "thinking",
    reasoningField: "reasoning_content",
    maxStopSequences: 1,
    supports: {
      audio: false,
      video: true,
      files: false,
      jsonSchema: false,
      strictTools: false,
      parallelToolCalls: false,
      logprobs: false,
      logitBias: false,
      seed: false,
      penalties: false,
      user: false,
    },
  },
};

/** Hosts on the internet. */
export const hosted: Readonly<Record<string, Profile>> = {
  /** https://platform.openai.com/docs/api-reference/chat */
  openai: {
    baseUrl: "https://api.openai.com/v1",
    keyVariable: "OPENAI_API_KEY",
    needsKey: true,
    quirks: {
      maxTokensField: "max_completion_tokens",
      systemRole: "as-given",
      maxStopSequences: 4,
      supports: {
        fileIds: true,
        allowedTools: true,
        verbosity: true,
        promptCacheKey: true,
        metadata: true,
      },
    },
  },

  /** https://api-docs.deepseek.com/api/create-chat-completion, …/guides/thinking_mode */
  deepseek: {
    baseUrl: "https://api.deepseek.com/v1",
    keyVariable: "DEEPSEEK_API_KEY",
    needsKey: true,
    quirks: {
      reasoningRequest: "thinking",
      efforts: ["low", "high", "max"],
      reasoningField: "reasoning_content",
      maxStopSequences: 16,
      supports: {
        ...TEXT_ONLY,
        jsonSchema: false,
        strictTools: false,
        parallelToolCalls: false,
        logitBias: false,
        seed: false,
        user: false,
      },
    },
  },

  /** https://console.groq.com/docs/openai names what it answers with 400. */
  groq: {
    baseUrl: "https://api.groq.com/openai/v1",
    keyVariable: "GROQ_API_KEY",
    needsKey: true,
    quirks: {
      maxTokensField: "max_completion_tokens",
      efforts: THREE_EFFORTS,
      reasoningField: "reasoning",
      maxStopSequences: 4,
      supports: { ...TEXT_AND_IMAGES, logprobs: false, logitBias: false, names: false },
    },
  },

  /**
   * Refuses every field it does not know (422 `extra_forbidden`), `stream_options` among them
   * (github.com/avante-corp/avante.nvim issue 2347, 2025-06), and reports usage unasked.
   */
  mistral: {
    baseUrl: "https://api.mistral.ai/v1",
    keyVariable: "MISTRAL_API_KEY",
    needsKey: true,
    refuses: ["stream_options", "user", "logprobs", "top_logprobs", "store", "prompt_cache_key"],
    quirks: {
      streamUsage: "always",
      reasoningRequest: "none",
      supports: {
        ...TEXT_AND_IMAGES,
        logprobs: false,
        logitBias: false,
        // It is called random_seed there.
        seed: false,
        names: false,
        user: false,
        metadata: true,
      },
    },
  },

  /** https://docs.x.ai/docs/api-reference */
  xai: {
    baseUrl: "https://api.x.ai/v1",
    keyVariable: "XAI_API_KEY",
    needsKey: true,
    quirks: {
      maxTokensField: "max_completion_tokens",
      efforts: ["low", "high"],
      reasoningField: "reasoning_content",
      maxStopSequences: 4,
      supports: { ...TEXT_AND_IMAGES, logitBias: false },
    },
  },

  /** https://docs.together.ai/reference/chat-completions-1; its `logprobs` is a number. */
  together: {
    baseUrl: "https://api.together.xyz/v1",
    keyVariable: "TOGETHER_API_KEY",
    needsKey: true,
    quirks: {
      efforts: THREE_EFFORTS,
      supports: {
        ...OPEN_MODEL_SAMPLING,
        files: false,
        video: true,
        logprobs: false,
        strictTools: false,
        user: false,
      },
    },
  },

  /** https://docs.fireworks.ai/api-reference/post-chatcompletions */
  fireworks: {
    baseUrl: "https://api.fireworks.ai/inference/v1",
    keyVariable: "FIREWORKS_API_KEY",
    needsKey: true,
    quirks: {
      efforts: ["none", ...THREE_EFFORTS],
      reasoningField: "reasoning_content",
      maxStopSequences: 4,
      supports: { ...OPEN_MODEL_SAMPLING, ...TEXT_AND_IMAGES },
    },
  },

  /** https://platform.moonshot.ai/docs/api/chat; usage stands in the last choice as well. */
  moonshot: {
    baseUrl: "https://api.moonshot.ai/v1",
    keyVariable: "MOONSHOT_API_KEY",
    needsKey: true,
    quirks: {
      reasoningRequest: "thinking",
      reasoningField: "reasoning_content",
      maxStopSequences: 5,
      supports: {
        ...TEXT_AND_IMAGES,
        video: true,
        // https://platform.moonshot.ai/docs/guide/use-kimi-vision-model: base64, and files by its own ids.
        mediaUrls: false,
        strictTools: false,
        parallelToolCalls: false,
        logprobs: false,
        logitBias: false,
        seed: false,
        promptCacheKey: true,
        user: false,
      },
    },
  },

  alibaba: ALIBABA,
  qwen: ALIBABA,

  /** https://inference-docs.cerebras.ai/resources/openai names what it answers with 400. */
  cerebras: {
    baseUrl: "https://api.cerebras.ai/v1",
    keyVariable: "CEREBRAS_API_KEY",
    needsKey: true,
    refuses: ["service_tier"],
    quirks: {
      maxTokensField: "max_completion_tokens",
      efforts: THREE_EFFORTS,
      reasoningField: "reasoning",
      maxStopSequences: 4,
      supports: { ...TEXT_ONLY, penalties: false, logitBias: false },
    },
  },

  /** https://docs.perplexity.ai/api-reference/chat-completions-post: no tools, and usage in every chunk. */
  perplexity: {
    baseUrl: "https://api.perplexity.ai",
    keyVariable: "PERPLEXITY_API_KEY",
    needsKey: true,
    models: false,
    quirks: {
      streamUsage: "always",
      efforts: ["minimal", ...THREE_EFFORTS],
      supports: {
        audio: false,
        tools: false,
        logprobs: false,
        logitBias: false,
        seed: false,
        topK: true,
        user: false,
        names: false,
      },
    },
  },

  /** https://docs.api.nvidia.com/nim/reference/llm-apis */
  nvidia: {
    baseUrl: "https://integrate.api.nvidia.com/v1",
    keyVariable: "NVIDIA_API_KEY",
    needsKey: true,
    quirks: { supports: { files: false, strictTools: false, user: false } },
  },

  /** https://docs.sambanova.ai/docs/en/features/openai-compatibility */
  sambanova: {
    baseUrl: "https://api.sambanova.ai/v1",
    keyVariable: "SAMBANOVA_API_KEY",
    needsKey: true,
    quirks: {
      efforts: THREE_EFFORTS,
      reasoningField: "reasoning_content",
      supports: {
        files: false,
        topK: true,
        logprobs: false,
        logitBias: false,
        seed: false,
        penalties: false,
        user: false,
      },
    },
  },

  /** https://deepinfra.com/docs/openai_api */
  deepinfra: {
    baseUrl: "https://api.deepinfra.com/v1/openai",
    keyVariable: "DEEPINFRA_API_KEY",
    needsKey: true,
    quirks: {
      efforts: ["none", ...THREE_EFFORTS],
      reasoningField: "reasoning_content",
      supports: { ...OPEN_MODEL_SAMPLING, files: false, strictTools: false, logitBias: false },
    },
  },

  /** https://huggingface.co/docs/inference-providers: a router in front of many of the others. */
  huggingface: {
    baseUrl: "https://router.huggingface.co/v1",
    keyVariable: "HF_TOKEN",
    needsKey: true,
    quirks: { supports: { ...TEXT_AND_IMAGES, strictTools: false } },
  },

  zai: { baseUrl: "https://api.z.ai/api/paas/v4", ...ZAI },
  zhipu: {
    ...ZAI,
    baseUrl: "https://open.bigmodel.cn/api/paas/v4",
    keyVariable: "ZHIPU_API_KEY",
  },

  /** https://platform.minimax.io/docs/api-reference/text-openai-api */
  minimax: {
    baseUrl: "https://api.minimax.io/v1",
    keyVariable: "MINIMAX_API_KEY",
    needsKey: true,
    quirks: {
      reasoningRequest: "none",
      reasoningField: "reasoning_details",
      supports: {
        ...TEXT_ONLY,
        jsonSchema: false,
        strictTools: false,
        logprobs: false,
        logitBias: false,
        seed: false,
        penalties: false,
        user: false,
      },
    },
  },

  /** https://docs.github.com/en/rest/models */
  "github-models": {
    baseUrl: "https://models.github.ai/inference",
    keyVariable: "GITHUB_TOKEN",
    needsKey: true,
    models: "https://models.github.ai/catalog/models",
    quirks: { systemRole: "as-given", maxStopSequences: 4, supports: { files: false } },
  },
};
