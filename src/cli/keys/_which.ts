/** The word that names the key a command is about; `findKey` says which it is. */
export const whichKey = {
  id: {
    type: "positional",
    required: true,
    valueHint: "ID|PREFIX",
    description: "a key's id or first characters",
  },
} as const;
