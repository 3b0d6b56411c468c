-- Keys, usage, and the feed of key changes, for PostgreSQL 15 and newer. Also takes over, in place, a database of the earlier
-- gateway: its tables and columns keep their names, its rows stay.
--
-- Statements are separated by a semicolon and a blank line; inside a statement there is no blank line.
--
-- Money is whole billionths of a US dollar in *_nano_usd; a sum holds up to 9.2 billion dollars.

-- It stands on columns that change below, and comes back at the end.
drop view if exists usage_summary;

create table if not exists api_keys (
  id uuid primary key default gen_random_uuid(),
  -- SHA-256 of the whole key, lower-case hex.
  key_hash text not null,
  tenant_id text not null,
  description text,
  -- Null takes the configuration's default, 0 is unlimited.
  rate_limit_rpm integer,
  -- Null or 0 is unlimited, here and below.
  rate_limit_rpd integer,
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  last_used_at timestamptz
);

alter table api_keys
  alter column key_hash type text,
  alter column tenant_id type text,
  alter column rate_limit_rpm drop not null,
  alter column rate_limit_rpm drop default,
  alter column rate_limit_rpd drop not null,
  alter column rate_limit_rpd drop default;

update api_keys set is_active = coalesce(is_active, true), created_at = coalesce(created_at, now())
where is_active is null or created_at is null;

alter table api_keys
  alter column is_active set not null,
  alter column created_at set not null,
  -- The first characters of the key, for people; empty on keys of the earlier gateway.
  add column if not exists key_prefix text not null default '',
  add column if not exists rate_limit_tpm bigint,
  add column if not exists tokens_per_day bigint,
  add column if not exists budget_nano_usd bigint,
  add column if not exists concurrency integer,
  -- Logical models, null is all.
  add column if not exists models text[],
  add column if not exists revoked_at timestamptz;

create unique index if not exists idx_api_keys_key_hash on api_keys (key_hash);

create index if not exists idx_api_keys_key_prefix on api_keys (key_prefix collate "C");

create index if not exists idx_api_keys_tenant_id on api_keys (tenant_id);

-- Which keys changed, in order: what running gateways follow. Filled by triggers, so that an edit by hand reaches them too. One
-- row a key, the newest; rows of deleted keys stay, for they say that the key is gone.
create table key_changes (
  version bigint generated always as identity primary key,
  key_id uuid not null
);

create index idx_key_changes_key_id on key_changes (key_id);

-- Changes are told in the order of their versions, so whoever changes a key waits for whoever is about to commit another change.
create function xjp_tell_key_change() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(7022, 1);
  if tg_op <> 'INSERT' then
    delete from key_changes where key_id = old.id;
    if tg_op = 'DELETE' or old.id <> new.id then
      insert into key_changes (key_id) values (old.id);
    end if;
  end if;
  if tg_op <> 'DELETE' then
    delete from key_changes where key_id = new.id;
    insert into key_changes (key_id) values (new.id);
  end if;
  perform pg_notify('xjp_keys', '');
  return null;
end $$;

create trigger api_keys_added_or_gone after insert or delete on api_keys
for each row execute function xjp_tell_key_change();

-- Every column but last_used_at, which is written all the time and changes nothing for anybody.
create trigger api_keys_changed after update of
  id, key_hash, key_prefix, tenant_id, description, rate_limit_rpm, rate_limit_rpd, rate_limit_tpm, tokens_per_day,
  budget_nano_usd, concurrency, models, is_active, created_at, expires_at, revoked_at on api_keys
for each row execute function xjp_tell_key_change();

insert into key_changes (key_id) select id from api_keys order by created_at, id;

-- What the earlier gateway has written down, out of the way of the table that takes its place.
do $$
begin
  if to_regclass('usage_logs') is not null then
    alter table usage_logs rename to usage_logs_earlier;
    execute (
      select coalesce(string_agg(format('alter table usage_logs_earlier drop constraint %I', conname), '; '), 'select 1')
      from pg_constraint where conrelid = 'usage_logs_earlier'::regclass and contype in ('p', 'u', 'f', 'c')
    );
    execute (
      select coalesce(string_agg(format('drop index %s', indexrelid::regclass), '; '), 'select 1')
      from pg_index where indrelid = 'usage_logs_earlier'::regclass
    );
  end if;
end $$;

-- One row for each request that reached routing; a partition a month. Deliberately without a foreign key: what a key has used
-- stays on the books after the key is deleted (the earlier gateway deleted it along).
create table usage_logs (
  id uuid not null,
  api_key_id uuid not null,
  tenant_id text not null,
  logical_model text not null,
  -- Empty when no provider was reached.
  provider text not null,
  provider_model_id text not null,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  total_tokens bigint not null generated always as (input_tokens + output_tokens) stored,
  -- Of input_tokens: read from and written to the provider's cache.
  cached bigint not null default 0,
  cache_write_tokens bigint not null default 0,
  -- Of output_tokens.
  reasoning bigint not null default 0,
  -- Whether the gateway counted the tokens because the provider reported none.
  estimated boolean not null default false,
  cost_nano_usd bigint not null default 0,
  -- US dollars, for people.
  cost double precision not null generated always as (cost_nano_usd / 1e9::double precision) stored,
  latency_ms integer not null,
  time_to_first_token_ms integer,
  status_code integer not null,
  -- ok, failed, cut (the provider's stream broke off), cancelled (the client went away), lost (the gateway died over it).
  status text not null,
  error_message text,
  request_id text not null,
  stream boolean not null default false,
  attempts integer not null default 1,
  created_at timestamptz not null,
  primary key (id, created_at)
) partition by range (created_at);

-- For reports and totals over a span of time, of everybody and of one tenant.
create index idx_usage_logs_created_at on usage_logs (created_at);

create index idx_usage_logs_tenant_id on usage_logs (tenant_id, created_at);

-- For a search by hand, as the earlier gateway had it.
create index idx_usage_logs_request_id on usage_logs (request_id);

-- Makes the partition of a month where it is missing. Gateways call it before they write into a month for the first time.
create function xjp_add_usage_month(month date) returns void language plpgsql as $$
declare
  first date := date_trunc('month', month)::date;
  partition text := 'usage_logs_' || to_char(first, 'YYYY_MM');
begin
  if to_regclass(partition) is not null then
    return;
  end if;
  perform pg_advisory_xact_lock(7022, 2);
  execute format(
    'create table if not exists %I partition of usage_logs for values from (%L) to (%L)',
    partition, first::text || ' 00:00:00+00', (first + interval '1 month')::date::text || ' 00:00:00+00'
  );
end $$;

-- Nothing of the earlier rows is lost, or nothing of this happens.
do $$
declare
  before bigint;
  after bigint;
begin
  if to_regclass('usage_logs_earlier') is null then
    return;
  end if;
  perform xjp_add_usage_month(month::date)
  from (select distinct date_trunc('month', coalesce(created_at, now()) at time zone 'utc') as month from usage_logs_earlier) months;
  insert into usage_logs (id, api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens, output_tokens,
    latency_ms, status_code, status, error_message, request_id, created_at)
  select id, api_key_id, coalesce(tenant_id, ''), coalesce(logical_model, ''), coalesce(provider, ''),
    coalesce(provider_model_id, ''), coalesce(input_tokens, 0), coalesce(output_tokens, 0), coalesce(latency_ms, 0),
    coalesce(status_code, 0),
    case when status_code = 499 then 'cancelled' when status_code >= 400 then 'failed' else 'ok' end,
    error_message, coalesce(request_id, ''), coalesce(created_at, now())
  from usage_logs_earlier;
  select count(*) into before from usage_logs_earlier;
  select count(*) into after from usage_logs;
  if before <> after then
    raise exception 'usage_logs of the earlier gateway has % rows, % were taken over', before, after;
  end if;
  drop table usage_logs_earlier;
end $$;

create view usage_summary as
select
  api_key_id,
  tenant_id,
  logical_model,
  provider,
  (created_at at time zone 'utc')::date as day,
  count(*) as request_count,
  sum(input_tokens) as total_input_tokens,
  sum(output_tokens) as total_output_tokens,
  sum(total_tokens) as total_tokens,
  avg(latency_ms) as avg_latency_ms,
  count(*) filter (where status in ('failed', 'cut', 'lost')) as error_count
from usage_logs
group by api_key_id, tenant_id, logical_model, provider, day;
