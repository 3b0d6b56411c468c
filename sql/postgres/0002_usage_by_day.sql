-- Usage in partitions of a month, and its totals by day, for PostgreSQL.
--
-- Rows that were there before, those of an earlier gateway too, are copied, whatever their types were. That is one transaction,
-- and takes about as long and as much room as writing them once more.

alter table usage_logs rename to usage_logs_before;

-- Names of indexes are taken once in a schema. Those of the copied table go with it.
do $$
declare
  found text;
begin
  for found in select indexrelid::regclass::text from pg_index where indrelid = 'usage_logs_before'::regclass and not indisprimary loop
    execute format('drop index %s', found);
  end loop;
  for found in select conname from pg_constraint where conrelid = 'usage_logs_before'::regclass and contype = 'p' loop
    execute format('alter table usage_logs_before rename constraint %I to usage_logs_before_pkey', found);
  end loop;
end
$$;

-- One row for each request that reached routing. Without a foreign key: what a key has used stays on the books after it.
create table usage_logs (
  id uuid not null default gen_random_uuid(),
  api_key_id uuid not null,
  tenant_id text not null,
  logical_model text not null,
  -- Empty when no provider was reached.
  provider text not null,
  provider_model_id text not null,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  -- A plain column, since the earlier gateway writes it.
  total_tokens bigint not null default 0,
  -- Of input_tokens: read from and written to the provider's cache.
  cached bigint not null default 0,
  cache_write_tokens bigint not null default 0,
  -- Of output_tokens.
  reasoning bigint not null default 0,
  -- True when the gateway counted the tokens because the provider reported none.
  estimated boolean not null default false,
  cost_nano_usd bigint not null default 0,
  -- US dollars, for people.
  cost numeric generated always as (cost_nano_usd / 1000000000.0) stored,
  latency_ms bigint not null default 0,
  time_to_first_token_ms bigint,
  status_code integer not null default 0,
  -- ok, failed, cut (the provider's stream broke off), cancelled (the client went away), lost (the gateway died under it).
  status text not null default 'ok',
  error_message text,
  request_id text not null default '',
  stream boolean not null default false,
  attempts integer not null default 1,
  created_at timestamptz not null default now(),
  -- A partitioned table has no other: the time is part of what makes a row this one.
  primary key (id, created_at)
) partition by range (created_at);

create index idx_usage_logs_created_at on usage_logs (created_at);

create index idx_usage_logs_tenant_id on usage_logs (tenant_id, created_at);

-- For a search by hand, as the earlier gateway had it.
create index idx_usage_logs_request_id on usage_logs (request_id);

-- Takes what falls into a month that has no partition, so that no row is ever refused for its date.
create table usage_logs_default partition of usage_logs default;

-- Makes the partition of the month that a time lies in, and moves what lies in the default one there. With the rights of who
-- migrated, so that a gateway needs none to make tables.
create function xjp_add_usage_month(at timestamptz) returns void
language plpgsql security definer set search_path from current set lock_timeout = '5s' as $$
declare
  first timestamptz := date_trunc('month', at, 'UTC');
  next timestamptz := (date_trunc('month', at at time zone 'UTC') + interval '1 month') at time zone 'UTC';
  partition text := 'usage_logs_' || to_char(first at time zone 'UTC', 'YYYY_MM');
  written text;
begin
  if to_regclass(partition) is not null then
    return;
  end if;
  -- One at a time, without stopping those who read and write. A lock of another kind would let a name that was looked up before be
  -- taken for missing still.
  lock table usage_logs in share update exclusive mode;
  if to_regclass(partition) is not null then
    return;
  end if;
  execute format('create table %I (like usage_logs including all)', partition);
  select string_agg(quote_ident(attname), ', ' order by attnum) into written from pg_attribute
    where attrelid = 'usage_logs'::regclass and attnum > 0 and not attisdropped and attgenerated = '';
  if exists (select from usage_logs_default where created_at >= first and created_at < next) then
    -- Nothing may come in between the move and the partition's being there.
    lock table usage_logs_default in access exclusive mode;
    execute format(
      'with moved as (delete from usage_logs_default where created_at >= %L and created_at < %L returning %s) insert into %I (%s) select * from moved',
      first, next, written, partition, written);
  end if;
  execute format('alter table usage_logs attach partition %I for values from (%L) to (%L)', partition, first, next);
end
$$;

-- Drops the partitions of months before the one that a time lies in, and answers how many rows they had. Everybody who writes waits
-- while it waits for those who read, so it does that for a moment only; it is called again.
create function xjp_drop_usage_months(before timestamptz) returns bigint
language plpgsql security definer set search_path from current set lock_timeout = '2s' as $$
declare
  partitions text[];
  partition text;
  counted bigint;
  dropped bigint := 0;
begin
  lock table usage_logs in share update exclusive mode;
  partitions := array(
    select relname from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'usage_logs'::regclass and relname ~ '^usage_logs_\d{4}_\d\d$'
      and relname::text collate "C" < 'usage_logs_' || to_char(before at time zone 'UTC', 'YYYY_MM')
  );
  -- All are counted before the first is dropped: from then on nobody can write.
  foreach partition in array partitions loop
    execute format('select count(*) from %I', partition) into counted;
    dropped := dropped + counted;
  end loop;
  foreach partition in array partitions loop
    execute format('drop table %I', partition);
  end loop;
  return dropped;
end
$$;

-- The totals of whole days: what reports are made of, so that they do not read every row.
create table usage_daily (
  -- UTC.
  day date not null,
  tenant_id text not null,
  api_key_id uuid not null,
  logical_model text not null,
  provider text not null,
  requests bigint not null,
  -- Of requests: failed, cut or lost.
  errors bigint not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  total_tokens bigint not null,
  cached bigint not null,
  cache_write_tokens bigint not null,
  reasoning bigint not null,
  estimated bigint not null,
  cost_nano_usd bigint not null,
  -- Of all requests together.
  latency_ms bigint not null,
  primary key (day, tenant_id, api_key_id, logical_model, provider)
) with (fillfactor = 60);

create index idx_usage_daily_tenant_id on usage_daily (tenant_id, day);

-- One row: rows of usage_logs older than this may have been removed for their age. Their totals stay.
create table usage_retention (
  one boolean primary key default true check (one),
  kept_since timestamptz not null
);

insert into usage_retention (kept_since) values ('-infinity');

do $$
declare
  month timestamptz;
begin
  for month in
    select distinct date_trunc('month', coalesce(created_at, now()), 'UTC') from usage_logs_before
    union select now()
    union select now() + interval '1 month'
    order by 1
  loop
    perform xjp_add_usage_month(month);
  end loop;
end
$$;

insert into usage_logs (
  id, api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens, output_tokens, total_tokens, cached,
  cache_write_tokens, reasoning, estimated, cost_nano_usd, latency_ms, time_to_first_token_ms, status_code, status, error_message,
  request_id, stream, attempts, created_at
)
select
  id, coalesce(api_key_id, '00000000-0000-0000-0000-000000000000'), coalesce(tenant_id, ''), coalesce(logical_model, ''),
  coalesce(provider, ''), coalesce(provider_model_id, ''), coalesce(input_tokens, 0), coalesce(output_tokens, 0),
  coalesce(nullif(total_tokens, 0), coalesce(input_tokens, 0) + coalesce(output_tokens, 0)), cached, cache_write_tokens, reasoning, estimated, cost_nano_usd,
  coalesce(latency_ms, 0), time_to_first_token_ms, coalesce(status_code, 0),
  -- The earlier gateway had no word for how a request ended.
  coalesce(status, case when status_code = 499 then 'cancelled' when status_code >= 400 then 'failed' else 'ok' end),
  error_message, coalesce(request_id, ''), stream, attempts, coalesce(created_at, now())
from usage_logs_before;

drop table usage_logs_before;

insert into usage_daily
select
  (created_at at time zone 'UTC')::date, tenant_id, api_key_id, logical_model, provider, count(*),
  count(*) filter (where status in ('failed', 'cut', 'lost')), sum(input_tokens), sum(output_tokens), sum(total_tokens),
  sum(cached), sum(cache_write_tokens), sum(reasoning), count(*) filter (where estimated), sum(cost_nano_usd), sum(latency_ms)
from usage_logs
group by 1, 2, 3, 4, 5;

-- The totals follow the rows, whoever writes them: the gateway, an earlier one, a hand.
create function xjp_add_usage() returns trigger language plpgsql set search_path from current as $$
begin
  insert into usage_daily as total
  select
    (created_at at time zone 'UTC')::date, tenant_id, api_key_id, logical_model, provider, count(*),
    count(*) filter (where status in ('failed', 'cut', 'lost')), sum(input_tokens), sum(output_tokens),
    sum(case total_tokens when 0 then input_tokens + output_tokens else total_tokens end),
    sum(cached), sum(cache_write_tokens), sum(reasoning), count(*) filter (where estimated), sum(cost_nano_usd), sum(latency_ms)
  from added
  group by 1, 2, 3, 4, 5
  -- Other instances add to the same totals: all in one order, or they would wait for each other.
  order by 1, 2, 3, 4, 5
  on conflict (day, tenant_id, api_key_id, logical_model, provider) do update set
    requests = total.requests + excluded.requests,
    errors = total.errors + excluded.errors,
    input_tokens = total.input_tokens + excluded.input_tokens,
    output_tokens = total.output_tokens + excluded.output_tokens,
    total_tokens = total.total_tokens + excluded.total_tokens,
    cached = total.cached + excluded.cached,
    cache_write_tokens = total.cache_write_tokens + excluded.cache_write_tokens,
    reasoning = total.reasoning + excluded.reasoning,
    estimated = total.estimated + excluded.estimated,
    cost_nano_usd = total.cost_nano_usd + excluded.cost_nano_usd,
    latency_ms = total.latency_ms + excluded.latency_ms;
  return null;
end
$$;

-- What is removed for its age stays in the totals; what is corrected or removed for another reason leaves them.
create function xjp_subtract_usage() returns trigger language plpgsql set search_path from current as $$
begin
  with gone as (
    select
      (created_at at time zone 'UTC')::date as day, tenant_id, api_key_id, logical_model, provider, count(*) as requests,
      count(*) filter (where status in ('failed', 'cut', 'lost')) as errors, sum(input_tokens) as input_tokens,
      sum(output_tokens) as output_tokens,
      sum(case total_tokens when 0 then input_tokens + output_tokens else total_tokens end) as total_tokens,
      sum(cached) as cached, sum(cache_write_tokens) as cache_write_tokens, sum(reasoning) as reasoning,
      count(*) filter (where estimated) as estimated, sum(cost_nano_usd) as cost_nano_usd, sum(latency_ms) as latency_ms
    from removed
    where tg_op = 'UPDATE' or created_at >= (select kept_since from usage_retention)
    group by 1, 2, 3, 4, 5
  )
  update usage_daily as total set
    requests = total.requests - gone.requests,
    errors = total.errors - gone.errors,
    input_tokens = total.input_tokens - gone.input_tokens,
    output_tokens = total.output_tokens - gone.output_tokens,
    total_tokens = total.total_tokens - gone.total_tokens,
    cached = total.cached - gone.cached,
    cache_write_tokens = total.cache_write_tokens - gone.cache_write_tokens,
    reasoning = total.reasoning - gone.reasoning,
    estimated = total.estimated - gone.estimated,
    cost_nano_usd = total.cost_nano_usd - gone.cost_nano_usd,
    latency_ms = total.latency_ms - gone.latency_ms
  from gone
  where (total.day, total.tenant_id, total.api_key_id, total.logical_model, total.provider)
    = (gone.day, gone.tenant_id, gone.api_key_id, gone.logical_model, gone.provider);
  delete from usage_daily where requests = 0
    and day in (select distinct (created_at at time zone 'UTC')::date from removed);
  return null;
end
$$;

create trigger usage_logs_added after insert on usage_logs
referencing new table as added for each statement execute function xjp_add_usage();

create trigger usage_logs_changed_1 after update on usage_logs
referencing old table as removed for each statement execute function xjp_subtract_usage();

create trigger usage_logs_changed_2 after update on usage_logs
referencing new table as added for each statement execute function xjp_add_usage();

create trigger usage_logs_removed after delete on usage_logs
referencing old table as removed for each statement execute function xjp_subtract_usage();

-- The earlier gateway's view, with its names, of the totals; it goes on telling of days whose rows are gone.
create view usage_summary as
select
  api_key_id,
  tenant_id,
  logical_model,
  provider,
  day::timestamp at time zone 'UTC' as day,
  requests as request_count,
  input_tokens as total_input_tokens,
  output_tokens as total_output_tokens,
  total_tokens,
  latency_ms / requests::numeric as avg_latency_ms,
  errors as error_count
from usage_daily;
