/**
 * Fills a segment up to a limit on the size of files, which tears a line, makes room by cutting the file within another line, and
 * writes once more. Prints what a reader finds.
 */
import { statSync, truncateSync } from "node:fs";
import { createSegmentFile, readSegment } from "../../../../src/server/store/journal/files.ts";
import { encodeUsageLine } from "../../../../src/server/store/journal/line.ts";
import { aRow } from "../../../contract/records.ts";

const path = process.argv[2] ?? "";
const line = (number: number): string => encodeUsageLine(aRow(number));
const segment = createSegmentFile(path);
let number = 0;
while (segment.append(line(number)) === undefined) number += 1;
const refused = segment.append(line(number));
truncateSync(path, statSync(path).size - 4 * line(10).length);
const taken = segment.append(line(1_000));
const next = segment.append(line(1_001));
const { rows, damaged, torn } = readSegment(path);
process.stdout.write(
  JSON.stringify({
    refused: refused instanceof Error,
    taken: taken === undefined && next === undefined,
    gone: number - (rows.length - 2),
    last: rows.slice(-2).map((row) => row.requestId),
    damaged: damaged.length,
    torn,
  }),
);
