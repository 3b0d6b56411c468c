/** Media from URLs of strangers, on real sockets; names are resolved by the test. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";

import { ChatError } from "../../../src/connectors/hub/error.ts";
import { isPublicAddress } from "../../../src/connectors/net/address.ts";
import { createDownloader } from "../../../src/connectors/net/download.ts";
import type { DownloadLimits, Media } from "../../../src/connectors/net/media-body.ts";
import { createMediaRoom } from "../../../src/connectors/net/media-room.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { errorOf } from "../../support/rejection.ts";

const PNG = Buffer.from("\x89PNG\r\n\x1a\npixels", "latin1");
const LIMITS: DownloadLimits = {
  allowPrivate: true,
  allowHttp: true,
  maxBytes: 1000,
  maxTotalBytes: 5000,
  maxHeldBytes: 10_000,
  timeoutMs: 5000,
};

let server: Bun.Server<undefined>;
let asked: { readonly path: string; readonly host: string | null }[];

beforeAll(() => {
  server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname, searchParams } = new URL(request.url);
      asked.push({ path: pathname, host: request.headers.get("host") });
      switch (pathname) {
        case "/picture.png":
          return new Response(PNG, { headers: { "content-type": "text/html" } });
        case "/page":
          return new Response("<p>hello</p>", {
            headers: { "content-type": "text/html; charset=x" },
          });
        case "/nothing":
          return new Response("????", { headers: { "content-type": "application/octet-stream" } });
        case "/large":
          return new Response(Buffer.alloc(1001));
        case "/packed":
          return new Response(Bun.gzipSync(Buffer.alloc(1001)), {
            headers: { "content-encoding": "gzip" },
          });
        case "/endless":
          return new Response(
            (async function* () {
              for (;;) {
                yield Buffer.alloc(100);
                await Bun.sleep(1);
              }
            })(),
          );
        case "/never":
          await new Promise(() => {});
          return new Response();
        case "/away":
          return Response.redirect(searchParams.get("to") ?? "/away", 302);
        default:
          return new Response("no", { status: 404 });
      }
    },
  });
});
afterAll(() => server.stop(true));

/** Downloads from the server under a name that resolves to `addresses`. */
async function download(
  path: string,
  limits: Partial<DownloadLimits> = {},
  addresses: readonly string[] = ["127.0.0.1"],
): Promise<Media> {
  asked = [];
  const fetchMedia = createDownloader({
    limits: () => ({ ...LIMITS, ...limits }),
    resolve: () => Promise.resolve(addresses),
  });
  return fetchMedia(
    new URL(path, `http://media.example:${server.port}`).href,
    new AbortController().signal,
    { bytes: 0 },
  );
}

describe("an address", () => {
  test.each([
    "127.0.0.1",
    "10.1.2.3",
    "172.31.255.255",
    "192.168.0.1",
    "169.254.169.254",
    "168.63.129.16",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "fe80::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "not an address",
  ])("inside, or hiding another, is not public: %s", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  test.each(["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1"])(
    "of the internet is public: %s",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );
});

describe("a download", () => {
  test("connects to the address that was looked at, under the name that was asked for", async () => {
    const { data, mimeType } = await download("/picture.png");
    expect(Buffer.from(data)).toEqual(PNG);
    // The server calls it a page; its bytes say what it is.
    expect(mimeType).toBe("image/png");
    expect(asked).toEqual([{ path: "/picture.png", host: `media.example:${server.port}` }]);
  });

  test("takes the server's word for a type that bytes do not tell", async () => {
    expect((await download("/page")).mimeType).toBe("text/html");
  });

  test("asks nothing inside, however it is spelled, unless that is allowed", async () => {
    const closed = { allowPrivate: false };
    for (const addresses of [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:127.0.0.1"]]) {
      const error = await errorOf(download("/picture.png", closed, addresses));
      expect(error.message).toContain("does not lead to the public internet");
      expect(error).toMatchObject({ kind: "invalid-request", param: "messages" });
      expect(error.traits.tryElsewhere).toBe(true);
    }
    for (const literal of [
      "http://2130706433/",
      "http://0x7f.1/",
      "http://[::1]/",
      "http://127.1/",
    ]) {
      const error = await errorOf(download(literal, closed, ["8.8.8.8"]));
      expect(error.message).toContain("does not lead to the public internet");
    }
    expect(asked).toEqual([]);
  });

  test("takes http only where that is allowed, also behind a redirect", async () => {
    const error = await errorOf(download("/picture.png", { allowHttp: false }));
    expect(error.message).toContain("is not https (media.allow_http)");
    expect(asked).toEqual([]);
    const fetchMedia = createDownloader({
      limits: () => ({ ...LIMITS, allowHttp: false }),
      resolve: () => Promise.resolve(["127.0.0.1"]),
      fetch: () => Promise.resolve(Response.redirect("http://media.example/a.png", 302)),
    });
    const signal = new AbortController().signal;
    const downgrade = await errorOf(fetchMedia("https://media.example/a", signal, { bytes: 0 }));
    expect(downgrade.message).toBe("http://media.example/a.png is not https (media.allow_http)");
  });

  test("goes on to the next address of a name where the first does not answer", async () => {
    // Nobody listens there: the whole block is this machine's own.
    const { mimeType } = await download("/picture.png", {}, ["127.0.0.77", "127.0.0.1"]);
    expect(mimeType).toBe("image/png");
    const error = await errorOf(download("/picture.png", {}, ["127.0.0.77"]));
    expect(error.message).toContain("cannot be fetched");
  });

  test("by https goes to the address under the certificate of the name", async () => {
    const { cert, key } = makeCertificate("media.example");
    const secure = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      tls: { cert, key },
      fetch: ({ headers }) => {
        hosts.push(headers.get("host"));
        return new Response(PNG);
      },
    });
    const hosts: (string | null)[] = [];
    const fetchMedia = createDownloader({
      limits: () => ({ ...LIMITS, allowHttp: false }),
      resolve: () => Promise.resolve(["127.0.0.1"]),
      fetch: (url, init) => fetch(url, { ...init, tls: { ...init.tls, ca: cert } }),
    });
    const get = (name: string): Promise<Media> =>
      fetchMedia(`https://${name}:${secure.port}/a`, new AbortController().signal, { bytes: 0 });
    try {
      expect((await get("media.example")).mimeType).toBe("image/png");
      const error = await errorOf(get("other.example"));
      expect(error.message).toContain("cannot be fetched");
      expect(String(error.cause)).toContain("ALTNAME");
      expect(hosts).toEqual([`media.example:${secure.port}`]);
    } finally {
      await secure.stop(true);
    }
  });

  test("names no address where a certificate's name is told", async () => {
    const told: unknown[] = [];
    const fetchMedia = createDownloader({
      limits: () => LIMITS,
      resolve: () => Promise.resolve(["2606:4700::1111"]),
      fetch(url, { tls }) {
        told.push([url, tls]);
        return Promise.resolve(new Response(PNG));
      },
    });
    for (const url of [
      "https://8.8.8.8/a",
      "https://[2606:4700::1]/a",
      "https://media.example/a",
    ]) {
      await fetchMedia(url, new AbortController().signal, { bytes: 0 });
    }
    expect(told).toEqual([
      ["https://8.8.8.8/a", undefined],
      ["https://[2606:4700::1]/a", undefined],
      ["https://[2606:4700::1111]/a", { serverName: "media.example" }],
    ]);
  });

  test("looks again at where a redirect leads", async () => {
    expect((await download("/away?to=/picture.png")).mimeType).toBe("image/png");
    expect(asked.map(({ path }) => path)).toEqual(["/away", "/picture.png"]);
    for (const to of [
      "file:///etc/passwd",
      "ftp://example.com/a",
      "http://user:pass@media.example/",
    ]) {
      await errorOf(download(`/away?to=${encodeURIComponent(to)}`));
      expect(asked).toHaveLength(1);
    }
    const names: string[] = [];
    asked = [];
    const fetchMedia = createDownloader({
      limits: () => ({ ...LIMITS, allowPrivate: false }),
      resolve: (name) => {
        names.push(name);
        return Promise.resolve([name === "inside.example" ? "10.0.0.1" : "93.184.216.34"]);
      },
      fetch: () => Promise.resolve(Response.redirect("http://inside.example/secret", 302)),
    });
    const error = await errorOf(
      fetchMedia("http://media.example/a", new AbortController().signal, { bytes: 0 }),
    );
    expect(error.message).toContain("inside.example/secret does not lead to the public internet");
    expect(names).toEqual(["media.example", "inside.example"]);
  });

  test("does not go round in circles", async () => {
    const error = await errorOf(download("/away"));
    expect(error.message).toContain("redirects more than 5 times");
    expect(asked).toHaveLength(6);
  });

  test("is bounded in size, whether its length is told or not", async () => {
    for (const path of ["/large", "/endless"]) {
      expect((await errorOf(download(path))).message).toContain("larger than 1000 bytes");
    }
  });

  test("is bounded in size together with the other files of its request, and as it is unpacked", async () => {
    const tally = { bytes: 0 };
    const fetchMedia = createDownloader({
      limits: () => ({ ...LIMITS, maxTotalBytes: 2 * PNG.byteLength }),
      resolve: () => Promise.resolve(["127.0.0.1"]),
    });
    const get = (path: string): Promise<Media> => {
      const url = `http://media.example:${server.port}${path}`;
      return fetchMedia(url, new AbortController().signal, tally);
    };
    await get("/picture.png");
    await get("/picture.png");
    expect((await errorOf(get("/picture.png"))).message).toContain("media.max_total_bytes");
    expect((await errorOf(download("/packed"))).message).toContain("larger than 1000 bytes");
  });

  describe("beside those of other requests", () => {
    test("waits until there is room in memory, and others that fit do not wait for it", async () => {
      const { room, other, get } = crowd();
      let size = 0;
      const large = get(200).then(({ data }) => (size = data.byteLength));
      expect((await get(60)).data.byteLength).toBe(60);
      expect((await get(40)).data.byteLength).toBe(40);
      expect([size, room.held]).toEqual([0, 1000]);
      other.give(200);
      expect([await large, room.held]).toEqual([200, 1000]);
    });

    test("is given up when its time is over, and that is the gateway's fault", async () => {
      const { room, get } = crowd({ timeoutMs: 50 });
      const error = await errorOf(get(200));
      expect(error).toMatchObject({
        kind: "unavailable",
        code: "media_no_room",
        traits: { origin: "gateway", status: 503, retryHere: false, tryElsewhere: true },
      });
      expect(error.message).toBe(
        "http://media.example/200 finds no room within 50 ms: files for other requests fill 1000 bytes (media.max_held_bytes)",
      );
      expect(error.retryAfterMs).toBeGreaterThan(0);
      expect(room.held).toBe(900);
    });

    test("ends when the client goes away while it waits", async () => {
      const { room, get } = crowd();
      const controller = new AbortController();
      const waiting = errorOf(get(200, controller.signal));
      await get(100);
      controller.abort(new ChatError("cancelled", "gone"));
      expect((await waiting).kind).toBe("cancelled");
      expect(room.held).toBe(1000);
    });

    test("holds no room that it has failed to fill", async () => {
      const { room, get } = crowd({ maxTotalBytes: 50 });
      await errorOf(get(60));
      await errorOf(get(1001));
      expect(room.held).toBe(900);
    });
  });

  test("is bounded in time, its name's resolution included", async () => {
    const stuck = createDownloader({
      limits: () => ({ ...LIMITS, timeoutMs: 20 }),
      resolve: () => new Promise(() => {}),
    });
    const signal = new AbortController().signal;
    const unresolved = await errorOf(stuck("https://media.example/a", signal, { bytes: 0 }));
    expect(unresolved.message).toContain("takes longer than 20 ms");
    const error = await errorOf(download("/never", { timeoutMs: 50 }));
    expect(error.message).toContain("takes longer than 50 ms");
  });

  test("ends when the client goes away", async () => {
    asked = [];
    const controller = new AbortController();
    const fetchMedia = createDownloader({
      limits: () => LIMITS,
      resolve: () => Promise.resolve(["127.0.0.1"]),
    });
    const pending = fetchMedia(`http://media.example:${server.port}/never`, controller.signal, {
      bytes: 0,
    });
    controller.abort(new ChatError("cancelled", "gone"));
    expect((await errorOf(pending)).kind).toBe("cancelled");
  });

  test("of what is not there, says nothing of itself, or has another scheme is refused with its reason", async () => {
    expect((await errorOf(download("/missing"))).message).toContain("answers with status 404");
    expect((await errorOf(download("/nothing"))).message).toContain("of no type that is known");
    expect((await errorOf(download("gopher://example.com/"))).message).toContain("https URLs only");
    expect((await errorOf(download("/picture.png", {}, []))).message).toContain(
      "cannot be resolved",
    );
  });
});

/** Another request that holds 900 of 1,000 bytes, and downloads of pictures as large as their path says. */
function crowd(limits: Partial<DownloadLimits> = {}) {
  const room = createMediaRoom();
  const other = room.enter();
  void other.take(900, 1000, new AbortController().signal);
  const fetchMedia = createDownloader({
    room,
    limits: () => ({ ...LIMITS, maxHeldBytes: 1000, ...limits }),
    resolve: () => Promise.resolve(["127.0.0.1"]),
    fetch: async (url) => {
      const size = Number(url.split("/").pop());
      return new Response(Buffer.concat([PNG, Buffer.alloc(size - PNG.length)]));
    },
  });
  const get = (size: number, signal = new AbortController().signal): Promise<Media> =>
    fetchMedia(`http://media.example/${size}`, signal, { bytes: 0 });
  return { room, other, get };
}
