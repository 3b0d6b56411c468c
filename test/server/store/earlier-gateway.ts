import type { TestDatabase } from "../../support/postgres.ts";

/** The tables of the earlier gateway as its one migration made them, with three keys and as many requests as told. */
export async function makeEarlierGateway(database: TestDatabase, requests: number): Promise<void> {
  await database.sql(SCHEMA);
  await database.sql(`
    insert into api_keys (key_hash, tenant_id, description, rate_limit_rpm, rate_limit_rpd, is_active, created_at, expires_at, last_used_at)
    select md5(n::text) || md5(n::text), 'tenant-' || n, case n when 1 then null else 'key ' || n end, 60 * n, 1000 * n, n < 3,
      timestamptz '2025-01-01 00:00:00.123456+00' + n * interval '1 day', case n when 2 then timestamptz '2027-01-01 00:00:00+00' end, now()
    from generate_series(1, 3) n;
    insert into usage_logs (api_key_id, tenant_id, logical_model, provider, provider_model_id, input_tokens, output_tokens,
      total_tokens, latency_ms, status_code, error_message, request_id, created_at)
    select k.id, k.tenant_id, 'model-' || n % 4, case n % 2 when 0 then 'OpenRouter' else 'Vertex' end, 'maker/model', n % 700, n % 90,
      n % 700 + n % 90 + case n % 10 when 3 then 5 else 0 end, n % 3000,
      case n % 20 when 4 then 502 else 200 end, case n % 20 when 4 then 'upstream said ''no''' end, 'request-' || n,
      timestamptz '2025-03-30 22:00:00+00' + n * (interval '200 days' / ${requests})
    from generate_series(1, ${requests}) n
    join (select *, row_number() over (order by created_at) as place from api_keys) k on k.place = n % 3 + 1`);
}

const SCHEMA = `
  create table api_keys (
    id uuid primary key default gen_random_uuid(),
    key_hash varchar(255) not null unique,
    tenant_id varchar(255) not null,
    description text,
    rate_limit_rpm integer not null default 60,
    rate_limit_rpd integer not null default 1000,
    is_active boolean not null default true,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz
  );
  create table usage_logs (
    id uuid primary key default gen_random_uuid(),
    api_key_id uuid not null references api_keys (id) on delete cascade,
    tenant_id varchar(255) not null,
    logical_model varchar(255) not null,
    provider varchar(255) not null,
    provider_model_id varchar(255) not null,
    input_tokens integer not null default 0,
    output_tokens integer not null default 0,
    total_tokens integer not null default 0,
    latency_ms integer,
    status_code integer not null,
    error_message text,
    request_id varchar(255),
    created_at timestamptz not null default now()
  );
  create index idx_api_keys_key_hash on api_keys (key_hash);
  create index idx_api_keys_tenant_id on api_keys (tenant_id);
  create index idx_api_keys_is_active on api_keys (is_active);
  create index idx_usage_logs_api_key_id on usage_logs (api_key_id);
  create index idx_usage_logs_tenant_id on usage_logs (tenant_id);
  create index idx_usage_logs_created_at on usage_logs (created_at);
  create index idx_usage_logs_request_id on usage_logs (request_id);
  create view usage_summary as
    select api_key_id, tenant_id, logical_model, provider, date_trunc('day', created_at, 'UTC') as day,
      count(*) as request_count, sum(input_tokens) as total_input_tokens, sum(output_tokens) as total_output_tokens,
      sum(total_tokens) as total_tokens, avg(latency_ms) as avg_latency_ms, count(*) filter (where status_code >= 400) as error_count
    from usage_logs
    group by api_key_id, tenant_id, logical_model, provider, date_trunc('day', created_at, 'UTC');
  create table _sqlx_migrations (
    version bigint primary key,
    description text not null,
    installed_on timestamptz not null default now(),
    success boolean not null,
    checksum bytea not null,
    execution_time bigint not null
  );
  insert into _sqlx_migrations values (20250101000000, 'initial schema', now(), true, '\\x00ff', 12345678);`;
