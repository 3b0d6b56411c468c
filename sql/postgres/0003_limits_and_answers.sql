-- A budget of a day beside that of a month, counters of limits that instances share, and answers that are given again to requests
-- with the same Idempotency-Key.

alter table api_keys add column budget_day_nano_usd bigint;

drop trigger api_keys_updated on api_keys;

-- Every column but last_used_at, which is written all the time and changes nothing for anybody.
create trigger api_keys_updated after update of
  id, key_hash, key_prefix, tenant_id, description, rate_limit_rpm, rate_limit_rpd, rate_limit_tpm, tokens_per_day,
  budget_nano_usd, budget_day_nano_usd, concurrency, models, is_active, created_at, expires_at, revoked_at on api_keys
for each row execute function xjp_note_key_change();

-- What is used of each limit, by everybody together. Of counters of places only the row's lock is used.
create table limit_counters (
  id text primary key,
  level double precision not null,
  at timestamptz not null,
  expires_at timestamptz not null
) with (fillfactor = 50);

create index idx_limit_counters_expires_at on limit_counters (expires_at);

-- How many places each instance holds.
create table limit_places (
  counter_id text not null,
  holder text not null,
  amount integer not null,
  primary key (counter_id, holder)
) with (fillfactor = 50);

-- Instances that have been heard of lately.
create table limit_instances (
  id text primary key,
  expires_at timestamptz not null
) with (fillfactor = 50);

-- Leases a part of what each counter has left. Asks come in the order of their ids, so that no two instances wait for each other.
-- Time is the server's, so that clocks of instances need not agree.
create function xjp_take_limits(the_holder text, asks jsonb)
returns table (id text, granted double precision, remaining double precision, wait_ms double precision)
language plpgsql set search_path from current as $$
declare
  ask record;
  used double precision;
  since timestamptz;
  room double precision;
  whole double precision;
begin
  -- A lost second of counting is not worth a disk's time for every lease.
  perform set_config('synchronous_commit', 'off', true);
  for ask in
    select * from jsonb_to_recordset(asks) as a (id text, kind text, capacity double precision, rate double precision,
      keep_ms double precision, base double precision, least double precision, demand double precision, want double precision)
  loop
    insert into limit_counters as c (id, level, at, expires_at)
    values (ask.id, ask.base, clock_timestamp(), clock_timestamp() + ask.keep_ms * interval '1 millisecond')
    on conflict on constraint limit_counters_pkey do nothing;
    select c.level, c.at into used, since from limit_counters c where c.id = ask.id for update;
    if ask.kind = 'places' then
      delete from limit_places p where p.counter_id = ask.id
        and not exists (select from limit_instances i where i.id = p.holder and i.expires_at > clock_timestamp());
      select coalesce(sum(p.amount), 0) into used from limit_places p where p.counter_id = ask.id;
    else
      used := greatest(0, used - greatest(0, extract(epoch from clock_timestamp() - since) * 1000) * ask.rate);
    end if;
    room := ask.capacity - used;
    whole := floor(room + 1e-6);
    granted := 0;
    if whole >= ask.least and whole > 0 then
      granted := least(whole, greatest(ask.demand, least(ask.want, floor(whole / 16))));
    end if;
    if ask.kind <> 'places' then
      update limit_counters c set level = used + granted, at = clock_timestamp(),
        expires_at = clock_timestamp() + ask.keep_ms * interval '1 millisecond' where c.id = ask.id;
    elsif granted > 0 then
      insert into limit_places as p (counter_id, holder, amount) values (ask.id, the_holder, granted)
      on conflict on constraint limit_places_pkey do update set amount = p.amount + excluded.amount;
    end if;
    id := ask.id;
    remaining := room - granted;
    wait_ms := case when ask.rate > 0 then greatest(0, ask.least - room - 1e-6) / ask.rate else -1 end;
    return next;
  end loop;
end $$;

-- Gives back what was leased, or, below 0, tells what was used beyond it.
create function xjp_give_limits(the_holder text, gifts jsonb) returns void
language plpgsql set search_path from current as $$
declare
  gift record;
begin
  perform set_config('synchronous_commit', 'off', true);
  for gift in
    select * from jsonb_to_recordset(gifts) as g (id text, kind text, rate double precision, keep_ms double precision,
      base double precision, amount double precision)
  loop
    insert into limit_counters as c (id, level, at, expires_at)
    values (gift.id, gift.base, clock_timestamp(), clock_timestamp() + gift.keep_ms * interval '1 millisecond')
    on conflict on constraint limit_counters_pkey do nothing;
    perform from limit_counters c where c.id = gift.id for update;
    if gift.kind = 'places' then
      update limit_places p set amount = p.amount - gift.amount where p.counter_id = gift.id and p.holder = the_holder;
      delete from limit_places p where p.counter_id = gift.id and p.holder = the_holder and p.amount <= 0;
    else
      update limit_counters c set at = clock_timestamp(), level = greatest(0, greatest(0, c.level
        - greatest(0, extract(epoch from clock_timestamp() - c.at) * 1000) * gift.rate) - gift.amount) where c.id = gift.id;
    end if;
  end loop;
end $$;

-- One row for each Idempotency-Key of a tenant whose request runs or was answered well.
create table idempotent_answers (
  -- SHA-256 of tenant and key.
  id text primary key,
  -- SHA-256 of path and body: another body under the same key is a mistake.
  fingerprint text not null,
  -- Which process works on it; null once it is answered.
  holder text,
  -- Status, headers and body as JSON; null as long as the request runs.
  answer text,
  size integer not null default 0,
  -- Until then the answer is kept, or, while the request runs, its process taken for alive.
  expires_at timestamptz not null
);

create index idx_idempotent_answers_expires_at on idempotent_answers (expires_at);
