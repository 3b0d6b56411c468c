import { LONGEST_NAME } from "../server/config/names.ts";
import { defineCommand, jsonFlag, storeFlags, type Values } from "./_command.ts";
import { UsageError } from "./_error.ts";
import { readUsd } from "./_money.ts";
import { readInteger } from "./_number.ts";
import { readMoment } from "./_time.ts";
import type { KeyTerms } from "./keys/_issue.ts";

const args = {
  tenant: { type: "positional", required: true, description: "who will use the key" },
  description: { type: "positional", required: false, description: "what it is for" },
  requests_per_minute: {
    type: "positional",
    required: false,
    valueHint: "RPM",
    description: "as --rpm",
  },
  requests_per_day: {
    type: "positional",
    required: false,
    valueHint: "RPD",
    description: "as --rpd",
  },
  rpm: {
    type: "string",
    valueHint: "N",
    description: "requests a minute; 0: unlimited (default: 60)",
  },
  rpd: {
    type: "string",
    valueHint: "N",
    description: "requests a day; 0: unlimited (default: 1000)",
  },
  tpm: { type: "string", valueHint: "N", description: "tokens a minute; 0: unlimited" },
  "tokens-per-day": { type: "string", valueHint: "N", description: "tokens a day; 0: unlimited" },
  budget: {
    type: "string",
    valueHint: "USD",
    description: "spend a calendar month, e.g. 25 or 12.50",
  },
  "budget-per-day": { type: "string", valueHint: "USD", description: "spend a day" },
  concurrency: { type: "string", valueHint: "N", description: "requests at once; 0: unlimited" },
  models: {
    type: "string",
    valueHint: "A,B",
    description: "only these models; gpt-* allows a family",
  },
  expires: { type: "string", valueHint: "WHEN", description: "30d, 24h, or 2026-12-31" },
  ...jsonFlag,
  ...storeFlags,
} as const;

export const keygen = defineCommand({
  about: "make an API key and print it, once",
  args,
  notes:
    "Days and months are those of UTC. The embedded store is created or migrated if it needs to be.",
  examples: [
    "xjp keygen acme",
    'xjp keygen acme "billing service" 120 5000',
    "xjp keygen acme --models claude-sonnet-4.5,gpt-* --budget 25 --expires 30d",
    "xjp keygen acme --json | jq -r .key",
  ],
  async run(values, { terminal }) {
    const now = Date.now();
    const terms = readTerms(values, now);
    const { withReadyStore } = await import("./_store.ts");
    const { issueKey } = await import("./keys/_issue.ts");
    const { issuedJson, printIssued } = await import("./keys/_print.ts");
    await withReadyStore(values, async (store, config) => {
      const issued = issueKey(terms, now);
      await store.insertKey(issued.record);
      if (values.json) terminal.json(issuedJson(issued));
      else printIssued(issued, config, `New API key for ${terms.tenantId}`, terminal);
    });
  },
});

function readTerms(values: Values<typeof args>, now: number): KeyTerms {
  const expiresAt = optional(values.expires, (text) =>
    readMoment("--expires", text, now, "future"),
  );
  if (expiresAt !== null && expiresAt <= now)
    throw new UsageError(`--expires: ${values.expires ?? ""} is in the past`);
  return {
    tenantId: readTenant(values.tenant),
    description:
      values.description === undefined || values.description === "" ? null : values.description,
    rpm: rate("RPM", values.requests_per_minute, "--rpm", values.rpm) ?? 60,
    rpd: rate("RPD", values.requests_per_day, "--rpd", values.rpd) ?? 1000,
    tpm: optional(values.tpm, (text) => readInteger("--tpm", text)),
    tokensPerDay: optional(values["tokens-per-day"], (text) =>
      readInteger("--tokens-per-day", text),
    ),
    budgetNanoUsd: optional(values.budget, (text) => readUsd("--budget", text)),
    budgetPerDayNanoUsd: optional(values["budget-per-day"], (text) =>
      readUsd("--budget-per-day", text),
    ),
    concurrency: optional(values.concurrency, (text) => readInteger("--concurrency", text)),
    models: optional(values.models, readModels),
    expiresAt,
  };
}

function optional<Result>(text: string | undefined, read: (text: string) => Result): Result | null {
  return text === undefined ? null : read(text);
}

function rate(
  place: string,
  word: string | undefined,
  flag: string,
  text: string | undefined,
): number | undefined {
  if (word !== undefined && text !== undefined)
    throw new UsageError(`${flag} is given twice: as the word ${word} and as ${flag} ${text}`);
  if (word !== undefined) return readInteger(place, word);
  return text === undefined ? undefined : readInteger(flag, text);
}

function readTenant(tenant: string): string {
  if (tenant.trim() === "") throw new UsageError("TENANT is empty");
  if (tenant.length > LONGEST_NAME)
    throw new UsageError(`TENANT has ${tenant.length} characters, at most ${LONGEST_NAME} fit`);
  if (/\p{Cc}/u.test(tenant)) throw new UsageError("TENANT holds control characters");
  return tenant;
}

function readModels(list: string): readonly string[] {
  const models = list.split(",").map((name) => name.trim());
  if (models.includes(""))
    throw new UsageError(`--models: "${list}" holds an empty name: write a,b`);
  return models;
}
