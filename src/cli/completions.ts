import { defineCommand } from "./_command.ts";

export const completions = defineCommand({
  about: "print a completion script for a shell",
  args: {
    shell: {
      type: "positional",
      required: true,
      valueHint: "bash|zsh|fish",
      description: "the shell that will read it",
    },
  },
  notes: [
    "Put it where your shell looks:",
    "  bash   xjp completions bash > ~/.local/share/bash-completion/completions/xjp",
    "  zsh    xjp completions zsh > ~/.zfunc/_xjp     (with fpath+=~/.zfunc before compinit)",
    "  fish   xjp completions fish > ~/.config/fish/completions/xjp.fish",
  ].join("\n"),
  examples: ["source <(xjp completions bash)"],
  async run({ shell }, { root, terminal }) {
    const { readPages } = await import("./completions/_pages.ts");
    const pages = await readPages(root);
    if (shell === "bash") {
      const { bashScript } = await import("./completions/_bash.ts");
      terminal.write(bashScript(pages));
    } else if (shell === "zsh") {
      const { zshScript } = await import("./completions/_zsh.ts");
      terminal.write(zshScript(pages));
    } else {
      const { fishScript } = await import("./completions/_fish.ts");
      terminal.write(fishScript(pages));
    }
  },
});
