-- Keys, usage, and the feed of key changes, for PostgreSQL 13 or newer.
--
-- Statements are separated by a semicolon and a blank line; inside a statement there is no blank line.
--
-- A database of the earlier gateway is taken over in place: what it has is made if it is not there, in its own order of columns, and
-- then altered, so that both ways lead to the same tables. Nothing of its rows is touched; its table _sqlx_migrations stays.
--
-- Money is whole billionths of a US dollar in *_nano_usd.

create table if not exists api_keys (
  id uuid primary key default gen_random_uuid(),
  key_hash varchar(255) not null unique,
  tenant_id varchar(255) not null,
  description text,
  rate_limit_rpm integer default 60,
  rate_limit_rpd integer default 1000,
  is_active boolean default true,
  created_at timestamptz default now(),
  expires_at timestamptz,
  last_used_at timestamptz
);

create table if not exists usage_logs (
  id uuid primary key default gen_random_uuid(),
  api_key_id uuid,
  tenant_id varchar(255) not null,
  logical_model varchar(255) not null,
  provider varchar(255) not null,
  provider_model_id varchar(255) not null,
  input_tokens integer default 0,
  output_tokens integer default 0,
  total_tokens integer default 0,
  latency_ms integer,
  status_code integer,
  error_message text,
  request_id varchar(255),
  created_at timestamptz default now()
);

-- It keeps the types of its columns from being altered; 0002 makes it again.
drop view if exists usage_summary;

update api_keys set is_active = coalesce(is_active, true), created_at = coalesce(created_at, now())
where is_active is null or created_at is null;

-- The defaults of the two limits stay, for whoever inserts keys by hand or with the earlier gateway. Null takes the configuration's
-- default, 0 is unlimited; of the others null or 0 is unlimited.
alter table api_keys
  alter column key_hash type text,
  alter column tenant_id type text,
  alter column rate_limit_rpm type bigint,
  alter column rate_limit_rpm drop not null,
  alter column rate_limit_rpd type bigint,
  alter column rate_limit_rpd drop not null,
  alter column is_active set not null,
  alter column created_at set not null,
  -- The first characters of the key, for people; empty on keys of the earlier gateway.
  add column if not exists key_prefix text not null default '',
  add column if not exists rate_limit_tpm bigint,
  add column if not exists tokens_per_day bigint,
  add column if not exists budget_nano_usd bigint,
  add column if not exists concurrency bigint,
  -- Logical models, null is all.
  add column if not exists models text[],
  add column if not exists revoked_at timestamptz;

create unique index if not exists api_keys_key_hash_key on api_keys (key_hash);

create index if not exists idx_api_keys_tenant_id on api_keys (tenant_id);

create index idx_api_keys_key_prefix on api_keys (key_prefix collate "C");

-- What a key has used stays on the books after the key is deleted. The earlier gateway deleted it along.
do $$
declare
  found text;
begin
  for found in select conname from pg_constraint where conrelid = 'usage_logs'::regclass and contype = 'f' loop
    execute format('alter table usage_logs drop constraint %I', found);
  end loop;
end
$$;

-- Each has a default that is one value, so no row is written again.
alter table usage_logs
  add column if not exists cached bigint not null default 0,
  add column if not exists cache_write_tokens bigint not null default 0,
  add column if not exists reasoning bigint not null default 0,
  add column if not exists estimated boolean not null default false,
  add column if not exists cost_nano_usd bigint not null default 0,
  add column if not exists time_to_first_token_ms bigint,
  add column if not exists status text,
  add column if not exists stream boolean not null default false,
  add column if not exists attempts integer not null default 1;

-- Which keys changed, in order: what running gateways follow. Filled by a trigger, so that an edit by hand reaches them too.
-- One row a key, the newest; rows of deleted keys stay, for they say that the key is gone.
create table key_changes (
  version bigint primary key generated always as identity,
  key_id uuid not null
);

create index idx_key_changes_key_id on key_changes (key_id);

-- The lock makes versions become visible in their order: a gateway that has seen one has seen all before it.
-- The notification is without words, so that many of one transaction are one.
create function xjp_note_key_change() returns trigger language plpgsql set search_path from current as $$
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
end
$$;

create trigger api_keys_added_or_removed after insert or delete on api_keys
for each row execute function xjp_note_key_change();

-- Every column but last_used_at, which is written all the time and changes nothing for anybody.
create trigger api_keys_updated after update of
  id, key_hash, key_prefix, tenant_id, description, rate_limit_rpm, rate_limit_rpd, rate_limit_tpm, tokens_per_day,
  budget_nano_usd, concurrency, models, is_active, created_at, expires_at, revoked_at on api_keys
for each row execute function xjp_note_key_change();

-- Keys of the earlier gateway.
insert into key_changes (key_id) select id from api_keys order by created_at, id;
