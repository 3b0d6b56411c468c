-- Totals of usage by day, for SQLite: what reports are made of, so that they do not read every row.

create table usage_daily (
  -- YYYY-MM-DD, UTC.
  day text not null,
  tenant_id text not null,
  api_key_id text not null,
  logical_model text not null,
  provider text not null,
  requests integer not null,
  -- Of requests: failed, cut or lost.
  errors integer not null,
  input_tokens integer not null,
  output_tokens integer not null,
  total_tokens integer not null,
  cached integer not null,
  cache_write_tokens integer not null,
  reasoning integer not null,
  estimated integer not null,
  cost_nano_usd integer not null,
  -- Of all requests together.
  latency_ms integer not null,
  primary key (day, tenant_id, api_key_id, logical_model, provider)
) strict, without rowid;

create index idx_usage_daily_tenant_id on usage_daily (tenant_id, day);

-- One row: rows of usage_logs older than this may have been removed for their age. Their totals stay.
create table usage_retention (
  one integer primary key not null default 1 check (one = 1),
  kept_since text not null
) strict;

insert into usage_retention (kept_since) values ('');

insert into usage_daily
select
  substr(created_at, 1, 10), tenant_id, api_key_id, logical_model, provider, count(*), sum(status in ('failed', 'cut', 'lost')),
  sum(input_tokens), sum(output_tokens), sum(total_tokens), sum(cached), sum(cache_write_tokens), sum(reasoning), sum(estimated),
  sum(cost_nano_usd), sum(latency_ms)
from usage_logs
group by 1, 2, 3, 4, 5;

-- Has a row within transactions that add what they write to the totals themselves, all at once: row by row that takes longer
-- than the rows.
create table usage_adding_up (
  one integer primary key not null default 1 check (one = 1)
) strict;

-- The totals follow the rows, whoever writes them: the gateway, or a hand.
create trigger usage_logs_added after insert on usage_logs when not exists (select 1 from usage_adding_up) begin
  insert into usage_daily values (
    substr(new.created_at, 1, 10), new.tenant_id, new.api_key_id, new.logical_model, new.provider, 1,
    new.status in ('failed', 'cut', 'lost'), new.input_tokens, new.output_tokens, new.total_tokens, new.cached,
    new.cache_write_tokens, new.reasoning, new.estimated, new.cost_nano_usd, new.latency_ms
  )
  on conflict (day, tenant_id, api_key_id, logical_model, provider) do update set
    requests = requests + 1,
    errors = errors + excluded.errors,
    input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens,
    total_tokens = total_tokens + excluded.total_tokens,
    cached = cached + excluded.cached,
    cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
    reasoning = reasoning + excluded.reasoning,
    estimated = estimated + excluded.estimated,
    cost_nano_usd = cost_nano_usd + excluded.cost_nano_usd,
    latency_ms = latency_ms + excluded.latency_ms;
end;

-- What is removed for its age stays in the totals; what is corrected or removed for another reason leaves them.
create trigger usage_logs_removed after delete on usage_logs
when old.created_at >= (select kept_since from usage_retention) begin
  update usage_daily set
    requests = requests - 1,
    errors = errors - (old.status in ('failed', 'cut', 'lost')),
    input_tokens = input_tokens - old.input_tokens,
    output_tokens = output_tokens - old.output_tokens,
    total_tokens = total_tokens - old.total_tokens,
    cached = cached - old.cached,
    cache_write_tokens = cache_write_tokens - old.cache_write_tokens,
    reasoning = reasoning - old.reasoning,
    estimated = estimated - old.estimated,
    cost_nano_usd = cost_nano_usd - old.cost_nano_usd,
    latency_ms = latency_ms - old.latency_ms
  where day = substr(old.created_at, 1, 10) and tenant_id = old.tenant_id and api_key_id = old.api_key_id
    and logical_model = old.logical_model and provider = old.provider;
  delete from usage_daily
  where requests = 0 and day = substr(old.created_at, 1, 10) and tenant_id = old.tenant_id and api_key_id = old.api_key_id
    and logical_model = old.logical_model and provider = old.provider;
end;

create trigger usage_logs_changed after update on usage_logs begin
  update usage_daily set
    requests = requests - 1,
    errors = errors - (old.status in ('failed', 'cut', 'lost')),
    input_tokens = input_tokens - old.input_tokens,
    output_tokens = output_tokens - old.output_tokens,
    total_tokens = total_tokens - old.total_tokens,
    cached = cached - old.cached,
    cache_write_tokens = cache_write_tokens - old.cache_write_tokens,
    reasoning = reasoning - old.reasoning,
    estimated = estimated - old.estimated,
    cost_nano_usd = cost_nano_usd - old.cost_nano_usd,
    latency_ms = latency_ms - old.latency_ms
  where day = substr(old.created_at, 1, 10) and tenant_id = old.tenant_id and api_key_id = old.api_key_id
    and logical_model = old.logical_model and provider = old.provider;
  delete from usage_daily
  where requests = 0 and day = substr(old.created_at, 1, 10) and tenant_id = old.tenant_id and api_key_id = old.api_key_id
    and logical_model = old.logical_model and provider = old.provider;
  insert into usage_daily values (
    substr(new.created_at, 1, 10), new.tenant_id, new.api_key_id, new.logical_model, new.provider, 1,
    new.status in ('failed', 'cut', 'lost'), new.input_tokens, new.output_tokens, new.total_tokens, new.cached,
    new.cache_write_tokens, new.reasoning, new.estimated, new.cost_nano_usd, new.latency_ms
  )
  on conflict (day, tenant_id, api_key_id, logical_model, provider) do update set
    requests = requests + 1,
    errors = errors + excluded.errors,
    input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens,
    total_tokens = total_tokens + excluded.total_tokens,
    cached = cached + excluded.cached,
    cache_write_tokens = cache_write_tokens + excluded.cache_write_tokens,
    reasoning = reasoning + excluded.reasoning,
    estimated = estimated + excluded.estimated,
    cost_nano_usd = cost_nano_usd + excluded.cost_nano_usd,
    latency_ms = latency_ms + excluded.latency_ms;
end;

drop view usage_summary;

-- Of the totals; it goes on telling of days whose rows are gone.
create view usage_summary as
select
  api_key_id,
  tenant_id,
  logical_model,
  provider,
  day,
  requests as request_count,
  input_tokens as total_input_tokens,
  output_tokens as total_output_tokens,
  total_tokens,
  latency_ms * 1.0 / requests as avg_latency_ms,
  errors as error_count
from usage_daily;
