import { describe, expect, test } from "bun:test";

import {
  findCredentials,
  parseCredentials,
} from "../../../src/connectors/net/google-credentials.ts";
import { serviceAccount } from "../../support/google-account.ts";

const ACCOUNT = serviceAccount("https://oauth2.googleapis.com/token");
const USER = JSON.stringify({
  type: "authorized_user",
  client_id: "id",
  client_secret: "s3cret-s3cret",
  refresh_token: "r",
});

/** A machine with these files. */
function machine(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
) {
  return {
    env,
    read: (path: string): Promise<string> => {
      const text = files[path];
      return text === undefined ? Promise.reject(new Error("ENOENT")) : Promise.resolve(text);
    },
  };
}

describe("credentials are found", () => {
  test("where they are said to be, as a path or as the content itself", async () => {
    const files = machine({ "/etc/account.json": ACCOUNT });
    expect(await findCredentials("/etc/account.json", files)).toMatchObject({
      kind: "service-account",
      projectId: "acme",
    });
    expect(await findCredentials(ACCOUNT, files)).toMatchObject({ kind: "service-account" });
  });

  test("where gcloud leaves them", async () => {
    const home = { "/home/ada/.config/gcloud/application_default_credentials.json": USER };
    expect(await findCredentials(undefined, machine(home, { HOME: "/home/ada" }))).toMatchObject({
      kind: "authorized-user",
    });
    const other = { "/gc/application_default_credentials.json": USER };
    expect(
      await findCredentials(undefined, machine(other, { CLOUDSDK_CONFIG: "/gc" })),
    ).toMatchObject({ kind: "authorized-user" });
  });

  test("at the metadata server, wherever that is", async () => {
    expect(await findCredentials(undefined, machine({}, { HOME: "/h" }))).toEqual({
      kind: "metadata",
      host: "metadata.google.internal",
    });
    expect(
      await findCredentials(
        undefined,
        machine({}, { HOME: "/h", GCE_METADATA_HOST: "10.0.0.1:80" }),
      ),
    ).toEqual({ kind: "metadata", host: "10.0.0.1:80" });
  });

  test("not at all in a file that is not there", () => {
    expect(findCredentials("/nowhere.json", machine({}))).rejects.toThrow(
      "the Google credentials file /nowhere.json cannot be read",
    );
  });
});

describe("a credentials file is refused, without a word of its content", () => {
  const faults: readonly (readonly [string, string, string])[] = [
    ["that is no JSON", "not json s3cret-s3cret", "not a JSON object"],
    [
      "that lacks a field",
      USER.replace('"refresh_token":"r"', '"x":1'),
      "refresh_token is missing",
    ],
    [
      "of a federation",
      '{"type":"external_account"}',
      "credentials external_account give no tokens here; use",
    ],
    [
      "for another account",
      '{"type":"impersonated_service_account"}',
      "impersonated_service_account",
    ],
    ["without a type", "{}", "of no stated type"],
    [
      "that sends secrets in the open",
      serviceAccount("http://evil.example/token"),
      "token_uri must begin with https://",
    ],
  ];
  test.each(faults)("%s", (_, text, said) => {
    let message = "";
    try {
      parseCredentials(text, "/etc/account.json");
    } catch (error) {
      message = error instanceof Error ? error.message : "";
    }
    expect(message).toStartWith("/etc/account.json: ");
    expect(message).toContain(said);
    expect(message).not.toContain("s3cret-s3cret");
  });
});
