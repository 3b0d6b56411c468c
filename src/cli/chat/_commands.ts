import { existsSync, writeFileSync } from "node:fs";
import { CommandError } from "../_error.ts";
import { didYouMean } from "../_nearest.ts";
import { digits } from "../_number.ts";
import { details } from "../_table.ts";
import { conversationText, newConversation, type Conversation } from "./_conversation.ts";
import { spentInWords } from "./_view.ts";

/** What a command works on. `say` shows a message; `models` asks the gateway. */
export type Desk = {
  readonly conversation: Conversation;
  readonly say: (message: string) => void;
  readonly models: () => Promise<readonly string[]>;
};

type ChatCommand = {
  readonly takes: string;
  readonly about: string;
  run(words: string, desk: Desk): Promise<"leave" | void>;
};

const commands: Readonly<Record<string, ChatCommand>> = {
  "/help": {
    takes: "",
    about: "this list",
    run: async (_words, { say }) => say(help()),
  },
  "/model": {
    takes: "[NAME]",
    about: "show the model and the others there are, or talk to another",
    run: changeModel,
  },
  "/system": {
    takes: "[TEXT|none]",
    about: "show, set or remove the instructions",
    async run(words, { conversation, say }) {
      if (words !== "") conversation.system = words === "none" ? undefined : words;
      say(`instructions: ${conversation.system ?? "none"}`);
    },
  },
  "/clear": {
    takes: "",
    about: "forget what was said; model and instructions stay",
    async run(_words, { conversation, say }) {
      Object.assign(conversation, newConversation(conversation.model, conversation.system));
      say("a new conversation begins");
    },
  },
  "/save": {
    takes: "FILE",
    about: "write the conversation as Markdown, or as JSON to FILE.json",
    async run(file, { conversation, say }) {
      if (file === "") throw new CommandError("/save needs the name of a file");
      if (existsSync(file)) throw new CommandError(`${file} exists already: choose another name`);
      writeFileSync(file, conversationText(conversation, file), { flag: "wx" });
      say(`saved ${digits(conversation.turns.length)} messages to ${file}`);
    },
  },
  "/usage": {
    takes: "",
    about: "what this conversation has taken",
    async run(_words, { conversation: { answers, spent }, say }) {
      const words = [`${answers} ${answers === 1 ? "answer" : "answers"}`, ...spentInWords(spent)];
      say(words.join(" · "));
    },
  },
  "/exit": { takes: "", about: "leave (also Ctrl-D)", run: async () => "leave" },
};

/** The names that begin like what was typed. */
export function completeCommand(line: string): readonly string[] {
  if (!line.startsWith("/")) return [];
  return Object.entries(commands)
    .filter(([name]) => name.startsWith(line))
    .map(([name, { takes }]) => (takes === "" ? name : `${name} `));
}

/** Runs a line that begins with a slash. Throws CommandError for what it is not. */
export async function runCommand(line: string, desk: Desk): Promise<"leave" | void> {
  const [, typed = "", words = ""] = /^(\S+)\s*([^]*)$/.exec(line.trim()) ?? [];
  const name = typed === "/quit" ? "/exit" : typed;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return command.run(words, desk);
  const near = didYouMean(name, Object.keys(commands));
  throw new CommandError(
    `unknown command ${name}${near}: /help lists them; a space in front sends it as text`,
  );
}

async function changeModel(name: string, { conversation, say, models }: Desk): Promise<void> {
  const names = await models();
  if (name === "") {
    const others = names.filter((other) => other !== conversation.model);
    say([`model: ${conversation.model}`, ...others.map((other) => `       ${other}`)].join("\n"));
    return;
  }
  // A name with a slash may be one of a provider whose models the gateway does not list.
  if (!names.includes(name) && !name.includes("/"))
    throw new CommandError(`no model "${name}"${didYouMean(name, names)}: /model lists them`);
  conversation.model = name;
  say(`model: ${name}`);
}

function help(): string {
  const rows = Object.entries(commands).map(
    ([name, { takes, about }]) => [takes === "" ? name : `${name} ${takes}`, about] as const,
  );
  return `${details(rows)}

  A line that ends in \\ goes on in the next; pasted lines stay together.
  Ctrl-C stops an answer, and clears what is typed; twice on an empty line leaves.`;
}
