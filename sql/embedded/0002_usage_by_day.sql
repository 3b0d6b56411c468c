-- Sums of usage by day, kept by the same transactions that write the rows, so that a report over years reads thousands of rows
-- and not millions. Days are those of UTC. They stay when the rows are deleted for their age.

create table usage_daily (
  -- The first ten characters of created_at.
  day text not null,
  tenant_id text not null,
  api_key_id text not null,
  logical_model text not null,
  provider text not null,
  requests integer not null,
  errors integer not null,
  input_tokens integer not null,
  output_tokens integer not null,
  cached integer not null,
  reasoning integer not null,
  estimated integer not null,
  cost_nano_usd integer not null,
  latency_ms integer not null,
  primary key (day, tenant_id, api_key_id, logical_model, provider)
) strict, without rowid;

create index idx_usage_daily_tenant_id on usage_daily (tenant_id, day);

insert into usage_daily
select substr(created_at, 1, 10), tenant_id, api_key_id, logical_model, provider, count(*),
  sum(status in ('failed', 'cut', 'lost')), sum(input_tokens), sum(output_tokens), sum(cached), sum(reasoning),
  sum(estimated), sum(cost_nano_usd), sum(latency_ms)
from usage_logs group by 1, 2, 3, 4, 5;
