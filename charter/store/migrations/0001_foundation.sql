-- Every table belongs to a tenant and is closed by row-level security, for the owner too.
-- charter_app (the host) can read and write only the tenant that its transaction names;
-- charter_host is for the few named statements that look across tenants (charter/store/crossing.py).

create extension if not exists vector;

create table tenants (
    id         text primary key,
    created_at timestamptz not null default now(),
    suspended  boolean not null default false
);

create table threads (
    tenant     text not null references tenants(id),
    id         text not null,
    principal  text not null,
    agent      text not null,
    title      text not null,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    primary key (tenant, id)
);

create table runs (
    tenant          text not null references tenants(id),
    id              text not null,
    thread          text not null,
    agent           text not null,
    principal       text not null,
    authority       jsonb not null,               -- the principal as admitted: type, name, roles, groups, scopes, channel
    status          text not null check (status in ('queued','running','waiting','completed','failed','cancelled')),
    waiting         jsonb,
    bundle          text not null,
    input           text not null,
    output          jsonb,
    error           jsonb,
    model_turns     integer not null default 0,
    input_tokens    bigint not null default 0,
    output_tokens   bigint not null default 0,
    cost            numeric(18,6) not null default 0,
    currency        text not null default 'EUR',
    forked_from     text,
    trace_id        text,
    span_id         text,
    metadata        jsonb not null default '{}',
    idempotency_key text,
    request_digest  text not null,
    segment         integer not null default 1,
    epoch           bigint not null default 1,
    lease_owner     text,
    lease_until     timestamptz,
    last_seq        bigint not null default 0,
    created_at      timestamptz not null default clock_timestamp(),
    updated_at      timestamptz not null default clock_timestamp(),
    primary key (tenant, id),
    foreign key (tenant, thread) references threads(tenant, id)
);
create unique index runs_idempotency on runs (tenant, principal, idempotency_key) where idempotency_key is not null;
create index runs_listing on runs (tenant, created_at desc, id desc);
create index runs_thread on runs (tenant, thread, created_at);
create index runs_leases on runs (lease_until) where status in ('queued', 'running');

-- Append-only: a step that changes gets a further entry; nothing is updated or deleted here.
create table journal (
    tenant     text not null,
    run_id     text not null,
    seq        bigint not null,
    kind       text not null check (kind in ('run','step','approval')),
    step_id    text,
    type       text,
    name       text,
    status     text,
    effect     text,
    input      jsonb,
    output     jsonb,
    label      jsonb,
    decision   jsonb,
    usage      jsonb,
    trace_id   text,
    span_id    text,
    epoch      bigint not null,
    started_at timestamptz,
    ended_at   timestamptz,
    at         timestamptz not null default clock_timestamp(),
    primary key (tenant, run_id, seq),
    foreign key (tenant, run_id) references runs(tenant, id)
);

create table effects (
    tenant          text not null,
    run_id          text not null,
    step_id         text not null,
    function        text not null,
    digest          text not null,
    idempotency_key text not null,
    epoch           bigint not null,
    intended_at     timestamptz not null default clock_timestamp(),
    outcome         text check (outcome in ('done','failed','unknown')),
    result          jsonb,
    settled_at      timestamptz,
    primary key (tenant, run_id, step_id),
    foreign key (tenant, run_id) references runs(tenant, id)
);

create table approvals (
    tenant         text not null,
    id             text not null,
    run_id         text not null,
    step_id        text not null,
    kind           text not null check (kind in ('approval','confirmation')),
    status         text not null check (status in ('pending','approved','rejected','expired','cancelled')),
    function       text not null,
    arguments      jsonb not null,
    summary        text not null,
    reason         text not null,
    policies       jsonb not null,
    influenced_by  jsonb not null default '[]',
    requester_id   text not null,
    requester_name text not null,
    approvers      text[] not null,
    digest         text not null,
    created_at     timestamptz not null default clock_timestamp(),
    expires_at     timestamptz not null,
    decided_by     text,
    decided_as     text,                  -- the entry of approvers that entitled decided_by: user:bob, role:buyer
    decided_at     timestamptz,
    comment        text,
    primary key (tenant, id),
    foreign key (tenant, run_id) references runs(tenant, id)
);
create index approvals_open on approvals (tenant, status, created_at desc);
create index approvals_run on approvals (tenant, run_id);

create table audit (
    tenant     text not null,
    seq        bigint generated always as identity,
    at         timestamptz not null default clock_timestamp(),
    actor      text not null,
    action     text not null,          -- e.g. function.allowed, function.denied, function.done, approval.decided
    run_id     text,
    step_id    text,
    function   text,
    digest     text,
    policies   jsonb not null default '[]',
    detail     jsonb not null default '{}',
    trace_id   text,
    primary key (tenant, seq)
);
create index audit_run on audit (tenant, run_id);

-- Refresh tokens of on-behalf-of exchanges, sealed with a key that is not in the database; never an assertion.
create table grants (
    tenant     text not null,
    principal  text not null,
    sealed     bytea not null,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (tenant, principal)
);

create table documents (
    tenant       text not null references tenants(id),
    id           text not null,
    collection   text not null,
    source       text not null,
    title        text not null,
    url          text not null,
    body         text not null,
    content_hash text not null,
    integrity    text not null check (integrity in ('trusted','untrusted')),
    readers      text[] not null,           -- 'tenant', 'user:<id>', 'group:<id>', 'role:<name>'
    updated_at   timestamptz not null default clock_timestamp(),
    primary key (tenant, id),
    unique (tenant, collection, source)
);

create table passages (
    tenant      text not null,
    id          text not null,
    document_id text not null,
    ordinal     integer not null,
    start_char  integer not null,
    end_char    integer not null,
    heading     text not null,
    body        text not null,
    words       tsvector generated always as (to_tsvector('english', heading || ' ' || body)) stored,
    embedding   vector(384) not null,
    primary key (tenant, id),
    foreign key (tenant, document_id) references documents(tenant, id) on delete cascade
);
create index passages_words on passages using gin (words);
create index passages_embedding on passages using hnsw (embedding vector_cosine_ops);
create index passages_document on passages (tenant, document_id, ordinal);

do $$
declare t text;
begin
    foreach t in array array['threads','runs','journal','effects','approvals','audit','grants','documents','passages'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant_only on %I using (tenant = current_setting(''charter.tenant'', true)) '
            'with check (tenant = current_setting(''charter.tenant'', true))', t);
    end loop;
end $$;

alter table tenants enable row level security;
alter table tenants force row level security;
create policy own_tenant on tenants using (id = current_setting('charter.tenant', true));

grant usage on schema public to charter_app, charter_host;
grant select on tenants to charter_app;
grant select, insert, update on threads, runs, approvals, grants to charter_app;
grant select, insert on journal, audit to charter_app;      -- append-only
grant select, insert, update on effects to charter_app;
grant select, insert, update, delete on documents, passages to charter_app;
grant delete on grants to charter_app;

-- The named statements across tenants.
grant select, insert, update on tenants to charter_host;
grant select on runs to charter_host;
create policy host_tenants on tenants to charter_host using (true) with check (true);
create policy host_runs on runs for select to charter_host using (true);

-- Every journal entry wakes those who follow the run, in any process.
create function notify_journal() returns trigger language plpgsql as $$
begin
    perform pg_notify('charter_journal', new.run_id || ':' || new.seq);
    return null;
end $$;
create trigger journal_notify after insert on journal for each row execute function notify_journal();
