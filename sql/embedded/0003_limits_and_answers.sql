-- A budget of a day beside that of a month, and answers that are given again to requests with the same Idempotency-Key. Limits
-- themselves are counted in the memory of the process, which is the only one here.

alter table api_keys add column budget_day_nano_usd integer;

drop trigger api_keys_updated;

-- Every column but last_used_at, which is written all the time and changes nothing for anybody.
create trigger api_keys_updated after update of
  id, key_hash, key_prefix, tenant_id, description, rate_limit_rpm, rate_limit_rpd, rate_limit_tpm, tokens_per_day,
  budget_nano_usd, budget_day_nano_usd, concurrency, models, is_active, created_at, expires_at, revoked_at on api_keys begin
  delete from key_changes where key_id in (old.id, new.id);
  insert into key_changes (key_id) select old.id where old.id <> new.id;
  insert into key_changes (key_id) values (new.id);
end;

-- One row for each Idempotency-Key of a tenant whose request runs or was answered well.
create table idempotent_answers (
  -- SHA-256 of tenant and key.
  id text primary key not null,
  -- SHA-256 of path and body: another body under the same key is a mistake.
  fingerprint text not null,
  -- Which process works on it; null once it is answered.
  holder text,
  -- Status, headers and body as JSON; null as long as the request runs.
  answer text,
  size integer not null default 0,
  -- Until then the answer is kept, or, while the request runs, its process taken for alive.
  expires_at text not null constraint expires_at_is_iso_8601_utc check (expires_at is strftime('%Y-%m-%dT%H:%M:%fZ', expires_at))
) strict, without rowid;

create index idx_idempotent_answers_expires_at on idempotent_answers (expires_at);
