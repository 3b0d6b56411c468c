-- Sums of usage by day, kept by the same transactions that write the rows, so that a report over years reads thousands of rows
-- and not millions. Days are those of UTC. They stay when the rows are deleted for their age.

create table usage_daily (
  day date not null,
  tenant_id text not null,
  api_key_id uuid not null,
  logical_model text not null,
  provider text not null,
  requests bigint not null,
  errors bigint not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  cached bigint not null,
  reasoning bigint not null,
  estimated bigint not null,
  cost_nano_usd bigint not null,
  latency_ms bigint not null,
  primary key (day, tenant_id, api_key_id, logical_model, provider)
);

create index idx_usage_daily_tenant_id on usage_daily (tenant_id, day);

insert into usage_daily
select (created_at at time zone 'utc')::date, tenant_id, api_key_id, logical_model, provider, count(*),
  count(*) filter (where status in ('failed', 'cut', 'lost')), sum(input_tokens), sum(output_tokens), sum(cached),
  sum(reasoning), count(*) filter (where estimated), sum(cost_nano_usd), sum(latency_ms)
from usage_logs group by 1, 2, 3, 4, 5;
