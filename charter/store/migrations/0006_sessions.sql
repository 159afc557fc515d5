-- Who is signed in at the console. The browser holds the id, of which a digest lies here; the tokens are sealed with a key
-- that is not in the database, bound to the very row.
create table sessions (
    tenant     text not null references tenants(id),
    digest     bytea not null,
    principal  text not null,
    sealed     bytea not null,
    created_at timestamptz not null,
    seen_at    timestamptz not null,
    expires_at timestamptz not null,
    primary key (tenant, digest)
);
create index sessions_expiry on sessions (tenant, expires_at);
alter table sessions enable row level security;
alter table sessions force row level security;
create policy tenant_only on sessions using (tenant = current_setting('charter.tenant', true))
    with check (tenant = current_setting('charter.tenant', true));
grant select, insert, update, delete on sessions to charter_app;

-- Retention: what is over its time, whosever it was.
create policy host_sees_ended on sessions for select to charter_host using (expires_at < clock_timestamp());
create policy host_forgets_ended on sessions for delete to charter_host using (expires_at < clock_timestamp());
grant select (tenant, digest, expires_at), delete on sessions to charter_host;
