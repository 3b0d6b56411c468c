/** How a host that speaks Anthropic's Messages differs from Anthropic. Every field has a default. */
export type AnthropicQuirks = {
  /** Whether images and PDFs may be given by URL. Default true; Google's hosts take bytes only. */
  readonly mediaUrls?: boolean;
  /** Whether documents are taken at all. Default true. */
  readonly documents?: boolean;
  /** Whether files may be named by an id that this host gave. Default true. */
  readonly fileIds?: boolean;
  /** Whether tools are taken. Default true. */
  readonly tools?: boolean;
  /** Whether answers can be bound to a schema (`output_config.format`), by models that know that. Default true. */
  readonly schemas?: boolean;
  /** Whether `cache_control` is taken. Default true. */
  readonly cache?: boolean;
};
