import { version } from "../../package.json" with { type: "json" };

/** The version of this build, e.g. `0.1.0`. */
export const programVersion: string = version;

/** The commit that it was built from, or null for one that was not built from a checkout. The build puts it in. */
export const programCommit: string | null = process.env["XJP_COMMIT"] || null;
