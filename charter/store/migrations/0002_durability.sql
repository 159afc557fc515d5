-- Runs that survive anything: who works where, time worked, effects in doubt, bundles kept, schedules, retention.

-- The processes that may work on runs. Each holds an advisory lock on its owner's name while it lives.
create table hosts (
    owner      text primary key,
    started_at timestamptz not null default clock_timestamp(),
    seen_at    timestamptz not null default clock_timestamp()
);
alter table hosts enable row level security;
alter table hosts force row level security;
create policy host_hosts on hosts to charter_host using (true) with check (true);
grant select, insert, update, delete on hosts to charter_host;

-- Working time counts against a run's minutes; time spent waiting does not.
alter table runs add column priority smallint not null default 1;       -- smaller first: 1 people, 10 batch
alter table runs add column working_since timestamptz;
alter table runs add column worked interval not null default '0';
update runs set working_since = updated_at where status = 'running';
drop index runs_leases;
create index runs_leases on runs (lease_until) where status in ('queued', 'running', 'waiting');
create index runs_working on runs (tenant, agent) where status = 'running';
create index runs_queued on runs (tenant) where status = 'queued';
create index runs_owner on runs (lease_owner) where status = 'running';
create index runs_ended on runs (updated_at) where status in ('completed', 'failed', 'cancelled');

-- Each time an effect was found intended without an outcome, and the way out that was taken last.
alter table effects add column doubts integer not null default 0;
alter table effects add column path text check (path in ('key', 'lookup', 'person'));
alter table effects add column answer text check (answer in ('happened', 'retry', 'give_up'));
alter table effects add column answered_by text;

-- The death of a host is proved by its lock; then its leases end at once.
grant update (lease_until) on runs to charter_host;
create policy host_leases on runs for update to charter_host using (status = 'running') with check (status = 'running');

-- What a bundle's digest stands for: the very files, so that a run can finish on what it began with.
create table bundles (
    digest     text primary key,
    agent      text not null,
    files      jsonb not null,
    created_at timestamptz not null default clock_timestamp()
);
alter table bundles enable row level security;
alter table bundles force row level security;
create policy host_bundles on bundles to charter_host using (true) with check (true);
grant select, insert, delete on bundles to charter_host;

-- When each schedule of a tenant last fired.
create table schedules (
    tenant   text not null references tenants(id),
    agent    text not null,
    trigger  text not null,
    fired_at timestamptz not null,
    primary key (tenant, agent, trigger)
);
alter table schedules enable row level security;
alter table schedules force row level security;
create policy tenant_only on schedules using (tenant = current_setting('charter.tenant', true))
    with check (tenant = current_setting('charter.tenant', true));
grant select, insert, update on schedules to charter_app;

-- Retention: the database itself lets only ended runs be deleted, and only by the role of the named statements.
create function run_ended(of_tenant text, of_run text) returns boolean language sql stable as $$
    select exists (select 1 from runs r where r.tenant = of_tenant and r.id = of_run
                   and r.status in ('completed', 'failed', 'cancelled'))
$$;
create policy host_forgets_runs on runs for delete to charter_host using (status in ('completed', 'failed', 'cancelled'));
do $$
declare t text;
begin
    foreach t in array array['journal', 'effects', 'approvals'] loop
        execute format('create policy host_sees_ended on %I for select to charter_host using (run_ended(tenant, run_id))', t);
        execute format('create policy host_forgets_ended on %I for delete to charter_host using (run_ended(tenant, run_id))', t);
        execute format('grant select, delete on %I to charter_host', t);
    end loop;
end $$;
create policy host_sees_threads on threads for select to charter_host using (true);
create policy host_forgets_threads on threads for delete to charter_host
    using (not exists (select 1 from runs r where r.tenant = threads.tenant and r.thread = threads.id));
grant select, delete on threads to charter_host;
grant delete on runs to charter_host;

-- Followers hear what kind of entry it was: a process that works on a run must hear at once that it was cancelled.
create or replace function notify_journal() returns trigger language plpgsql as $$
begin
    perform pg_notify('charter_journal', new.run_id || ':' || new.seq || ':' || new.kind || ':' || coalesce(new.status, ''));
    return null;
end $$;
