import { BlockList, isIP } from "node:net";

/** What is not the public internet: https://www.iana.org/assignments/iana-ipv4-special-registry */
const NOT_PUBLIC_V4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  // The one address of Azure's platform, reachable from its machines alone.
  ["168.63.129.16", 32],
  // Link-local, where clouds have their metadata.
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  // Multicast, and what is reserved behind it.
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];
/** Within the one block of IPv6 that is given out to the public: documentation, Teredo and its like, and 6to4, which hide others. */
const NOT_PUBLIC_V6: readonly (readonly [string, number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

const refused = new BlockList();
for (const [address, prefix] of NOT_PUBLIC_V4) refused.addSubnet(address, prefix, "ipv4");
for (const [address, prefix] of NOT_PUBLIC_V6) refused.addSubnet(address, prefix, "ipv6");
const given = new BlockList();
given.addSubnet("2000::", 3, "ipv6");

/** Whether an IP address lies on the public internet; false for what is no address. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !refused.check(address, "ipv4");
    case 6:
      // Everything else (loopback, link-local, unique local, mapped IPv4, NAT64) lies outside that block.
      return given.check(address, "ipv6") && !refused.check(address, "ipv6");
    default:
      return false;
  }
}
