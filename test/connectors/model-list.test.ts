import { expect, test } from "bun:test";

import { readModelList } from "../../src/connectors/model-list.ts";

test("lists of all shapes are read", () => {
  const models = [{ id: "a" }];
  for (const body of [{ data: models }, { models }, models]) {
    expect(readModelList(body)).toEqual([{ id: "a" }]);
  }
});

test("what hosts call differently is found", () => {
  expect(
    readModelList([
      { id: "a/b", name: "A: B", created: 1_700_000_000, context_length: 1000, owned_by: "a" },
      { id: "c", max_model_len: 2000, created: 1.5 },
      { id: "d", context_window: 3000, organization: "D" },
      { id: "e", max_context_length: 4000, publisher: "E", name: "e" },
    ]),
  ).toEqual([
    { id: "a/b", displayName: "A: B", created: 1_700_000_000, contextLength: 1000, ownedBy: "a" },
    { id: "c", created: 1, contextLength: 2000 },
    { id: "d", contextLength: 3000, ownedBy: "D" },
    { id: "e", contextLength: 4000, ownedBy: "E" },
  ]);
});

test("what is no model, or of the wrong type, is left out", () => {
  expect(readModelList({ data: "none" })).toEqual([]);
  expect(readModelList("none")).toEqual([]);
  expect(readModelList([null, 1, {}, { id: "" }, { id: "a", created: "now", name: 7 }])).toEqual([
    { id: "a" },
  ]);
});
