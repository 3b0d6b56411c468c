import { afterEach, beforeEach, test } from "bun:test";

import type { Connector, ConnectorOptions } from "../../src/connectors/connector.ts";
import { optionsFor } from "./calling.ts";
import { type RawUpstream, startRawUpstream } from "./raw-upstream.ts";

/** What sets one connector apart from the others that pass the same suite. */
export type ConnectorTraits = {
  readonly kind: string;
  /** Options besides address and key. */
  readonly options?: Partial<ConnectorOptions>;
  readonly create: (options: ConnectorOptions) => Connector;
  /**
   * Whether even bodies of its own dialect are translated, and its answers with them: Clewdr's, which have no marked end and whose
   * counts are guesses.
   */
  readonly isTranslated?: true;
  /** What a streamed body holds besides the caller's own, or `{}`. */
  readonly addsToStreams: { readonly stream_options?: { readonly include_usage: true } };
};

/** A connector under test and the upstream it asks; both are new for each test. */
export type Rig = {
  readonly traits: ConnectorTraits;
  readonly upstream: RawUpstream;
  readonly connector: Connector;
  /** One more connector to the same upstream. */
  create(more?: Partial<ConnectorOptions>): Connector;
  /** The connection of the latest request has been closed. */
  closed(): Promise<void>;
};

/** Declares a test of what goes through as it was written, for connectors through which anything does. */
export function testVerbatim({ traits }: Rig, name: string, run: () => void | Promise<void>): void {
  if (!traits.isTranslated) test(name, run);
}

/** Sets up a rig for each test of the surrounding `describe`. */
export function useRig(traits: ConnectorTraits): Rig {
  let upstream: RawUpstream;
  let connector: Connector;
  const create = (more: Partial<ConnectorOptions> = {}): Connector =>
    traits.create(optionsFor(traits.kind, upstream.url, { ...traits.options, ...more }));
  beforeEach(() => {
    upstream = startRawUpstream();
    connector = create();
  });
  afterEach(() => {
    connector.close();
    upstream.stop();
  });
  return {
    traits,
    get upstream() {
      return upstream;
    },
    get connector() {
      return connector;
    },
    create,
    async closed() {
      const last = upstream.seen.at(-1);
      if (!last) throw new Error("no request has come");
      await last.closed;
    },
  };
}
