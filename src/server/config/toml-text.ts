import type { Written, WrittenTable } from "./file-shape.ts";
import { isTable, type Path, showKey, showPath } from "./path.ts";

/** What is written behind a field as a comment. */
export type Remark = (path: Path) => string | undefined;

/** Writes a file's tables as TOML, one field a line; tables inside lists are written in one line. */
export function toToml(file: WrittenTable, remark: Remark): string {
  return Object.entries(file)
    .flatMap(([name, value]) => (isTable(value) ? section(value, [name], remark) : []))
    .map((block) => `${block.join("\n")}\n`)
    .join("\n");
}

/** The blocks of lines of a table: its own fields, then what lies below. */
function section(table: WrittenTable, path: Path, remark: Remark): readonly (readonly string[])[] {
  const fields = Object.entries(table);
  const own = fields.filter(([, value]) => !isTable(value) && !isListOfTables(value));
  const below = fields.flatMap(([name, value]) => {
    if (isListOfTables(value)) return value.map((item) => listed(item, [...path, name]));
    return isTable(value) ? section(value, [...path, name], remark) : [];
  });
  // `[models]` alone says nothing, but a model without routes is there.
  if (own.length === 0 && (below.length > 0 || path.length === 1)) return below;
  const lines = own.map((each) => line(each, remark([...path, each[0]])));
  return [[`[${showPath(path)}]`, ...lines], ...below];
}

function listed(item: WrittenTable, path: Path): readonly string[] {
  return [`[[${showPath(path)}]]`, ...Object.entries(item).map((each) => line(each))];
}

function line([name, value]: readonly [string, Written], remark?: string): string {
  const text = `${showKey(name)} = ${inline(value)}`;
  return remark === undefined ? text : `${text.padEnd(40)} # ${remark}`;
}

function inline(value: Written): string {
  if (isList(value)) return `[${value.map(inline).join(", ")}]`;
  if (isTable(value)) {
    const fields = Object.entries(value).map((each) => line(each));
    return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
  }
  // JSON's strings are TOML's, but for one control character.
  return JSON.stringify(value).replaceAll("\u007F", "\\u007F");
}

function isList(value: Written): value is readonly Written[] {
  return Array.isArray(value);
}

function isListOfTables(value: Written): value is readonly WrittenTable[] {
  return isList(value) && value.length > 0 && value.every(isTable);
}
