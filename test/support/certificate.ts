/** Certificates for servers of a test, made on the spot: self-signed, by ECDSA on P-256 (RFC 5280). */
import { generateKeyPairSync, sign } from "node:crypto";

const OIDS = {
  ecdsaWithSha256: "06082a8648ce3d040302",
  commonName: "0603550403",
  names: "0603551d11",
};

/** A certificate for a name of DNS, and its key, as PEM. */
export function makeCertificate(name: string): { readonly cert: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = der(0x30, Buffer.from(OIDS.ecdsaWithSha256, "hex"));
  const holder = der(
    0x30,
    der(0x31, der(0x30, Buffer.from(OIDS.commonName, "hex"), der(0x0c, Buffer.from(name)))),
  );
  const names = der(0x30, der(0x82, Buffer.from(name)));
  const extension = der(0x30, Buffer.from(OIDS.names, "hex"), der(0x04, names));
  const body = der(
    0x30,
    // Version 3, serial number 1.
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    algorithm,
    holder,
    der(0x30, der(0x18, Buffer.from("20200101000000Z")), der(0x18, Buffer.from("21200101000000Z"))),
    holder,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(0x30, extension)),
  );
  const signature = sign("sha256", body, privateKey);
  const whole = der(0x30, body, algorithm, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString("base64").replace(/.{64}/g, "$&\n");
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...head]), content]);
}
