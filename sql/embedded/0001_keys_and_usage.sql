-- Keys, usage, and the feed of key changes, for SQLite. Column names are those of the earlier gateway's PostgreSQL tables.
--
-- Statements are separated by a semicolon and a blank line; inside a statement there is no blank line.
--
-- Times are text, ISO 8601 in UTC with milliseconds (2026-01-31T23:59:59.000Z). Compared with integers that costs a tenth of
-- the file and a fifth of the time of an insert (measured over a million rows); for it the tables can be read and edited by
-- hand, text order is time order, the day is the first ten characters, and SQLite's own date functions take them. A check
-- refuses any other form, so that a date typed by hand cannot mean something else than it says; write "now" as
-- strftime('%Y-%m-%dT%H:%M:%fZ', 'now').
--
-- Money is whole billionths of a US dollar in *_nano_usd; a sum holds up to 9.2 billion dollars.

create table api_keys (
  id text primary key not null,
  -- SHA-256 of the whole key, lower-case hex.
  key_hash text not null,
  -- The first characters of the key, for people; empty on keys of the earlier gateway.
  key_prefix text not null default '',
  tenant_id text not null,
  description text,
  -- Null takes the configuration's default, 0 is unlimited.
  rate_limit_rpm integer,
  -- Null or 0 is unlimited, here and in the three below.
  rate_limit_rpd integer,
  rate_limit_tpm integer,
  tokens_per_day integer,
  budget_nano_usd integer,
  concurrency integer,
  -- JSON array of logical models, null is all.
  models text constraint models_is_a_json_array check (models is null or (json_valid(models) and json_type(models) = 'array')),
  is_active integer not null default 1 check (is_active in (0, 1)),
  created_at text not null constraint created_at_is_iso_8601_utc check (created_at is strftime('%Y-%m-%dT%H:%M:%fZ', created_at)),
  expires_at text constraint expires_at_is_iso_8601_utc check (expires_at is strftime('%Y-%m-%dT%H:%M:%fZ', expires_at)),
  last_used_at text constraint last_used_at_is_iso_8601_utc check (last_used_at is strftime('%Y-%m-%dT%H:%M:%fZ', last_used_at)),
  revoked_at text constraint revoked_at_is_iso_8601_utc check (revoked_at is strftime('%Y-%m-%dT%H:%M:%fZ', revoked_at))
) strict;

create unique index idx_api_keys_key_hash on api_keys (key_hash);

create index idx_api_keys_key_prefix on api_keys (key_prefix);

create index idx_api_keys_tenant_id on api_keys (tenant_id);

-- Which keys changed, in order: what running gateways follow. Filled by triggers, so that an edit by hand reaches them too.
-- One row a key, the newest; rows of deleted keys stay, for they say that the key is gone.
create table key_changes (
  version integer primary key autoincrement,
  key_id text not null
) strict;

create index idx_key_changes_key_id on key_changes (key_id);

-- Delete and insert instead of a replace: the conflict clause of the statement that fires a trigger overrides those inside.
create trigger api_keys_inserted after insert on api_keys begin
  delete from key_changes where key_id = new.id;
  insert into key_changes (key_id) values (new.id);
end;

-- Every column but last_used_at, which is written all the time and changes nothing for anybody.
create trigger api_keys_updated after update of
  id, key_hash, key_prefix, tenant_id, description, rate_limit_rpm, rate_limit_rpd, rate_limit_tpm, tokens_per_day,
  budget_nano_usd, concurrency, models, is_active, created_at, expires_at, revoked_at on api_keys begin
  delete from key_changes where key_id in (old.id, new.id);
  insert into key_changes (key_id) select old.id where old.id <> new.id;
  insert into key_changes (key_id) values (new.id);
end;

create trigger api_keys_deleted after delete on api_keys begin
  delete from key_changes where key_id = old.id;
  insert into key_changes (key_id) values (old.id);
end;

-- One row for each request that reached routing. Deliberately without a foreign key: what a key has used stays on the books
-- after the key is deleted (the earlier gateway deleted it along).
create table usage_logs (
  id text primary key not null,
  api_key_id text not null,
  tenant_id text not null,
  logical_model text not null,
  -- Empty when no provider was reached.
  provider text not null,
  provider_model_id text not null,
  input_tokens integer not null default 0,
  output_tokens integer not null default 0,
  total_tokens integer not null generated always as (input_tokens + output_tokens) virtual,
  -- Of input_tokens: read from and written to the provider's cache.
  cached integer not null default 0,
  cache_write_tokens integer not null default 0,
  -- Of output_tokens.
  reasoning integer not null default 0,
  -- 1 when the gateway counted the tokens because the provider reported none.
  estimated integer not null default 0 check (estimated in (0, 1)),
  cost_nano_usd integer not null default 0,
  -- US dollars, for people.
  cost real not null generated always as (cost_nano_usd / 1e9) virtual,
  latency_ms integer not null,
  time_to_first_token_ms integer,
  status_code integer not null,
  -- ok, failed, cut (the provider's stream broke off), cancelled (the client went away).
  status text not null,
  error_message text,
  request_id text not null,
  stream integer not null default 0 check (stream in (0, 1)),
  attempts integer not null default 1,
  created_at text not null constraint created_at_is_iso_8601_utc check (created_at is strftime('%Y-%m-%dT%H:%M:%fZ', created_at))
) strict;

-- For reports and totals over a span of time, of everybody and of one tenant. The earlier gateway's indexes on the key and on
-- the request id are left out: nothing here asks by them, and they double the time of writing a row (request ids are random, so
-- each touches another page: six times). A search for one request by hand reads the table, about 0.2 s for a million rows.
create index idx_usage_logs_created_at on usage_logs (created_at);

create index idx_usage_logs_tenant_id on usage_logs (tenant_id, created_at);

create view usage_summary as
select
  api_key_id,
  tenant_id,
  logical_model,
  provider,
  substr(created_at, 1, 10) as day,
  count(*) as request_count,
  sum(input_tokens) as total_input_tokens,
  sum(output_tokens) as total_output_tokens,
  sum(total_tokens) as total_tokens,
  avg(latency_ms) as avg_latency_ms,
  sum(status in ('failed', 'cut')) as error_count
from usage_logs
group by api_key_id, tenant_id, logical_model, provider, day;
