-- What a sync knows: its sources, which document came from where in which version, and what was left out and why.
create table knowledge_sources (
    tenant       text not null references tenants(id),
    name         text not null,
    kind         text not null,
    state        text not null check (state in ('reading','complete','incomplete')),
    reason       text not null default '',
    done         integer not null default 0,
    total        integer not null default 0,
    passages     integer not null default 0,
    bytes        bigint not null default 0,
    current      text not null default '',
    started_at   timestamptz not null default clock_timestamp(),
    seen_at      timestamptz not null default clock_timestamp(),
    completed_at timestamptz,
    primary key (tenant, name)
);

-- A row is written before the document is: only where the store has its digest, too, was it read.
create table knowledge_documents (
    tenant     text not null references tenants(id),
    collection text not null,
    source     text not null,
    origin     text not null,
    version    text not null,
    digest     text not null,
    passages   integer not null,
    read_at    timestamptz not null default clock_timestamp(),
    primary key (tenant, collection, source)
);

create table knowledge_faults (
    tenant  text not null references tenants(id),
    origin  text not null,
    path    text not null,
    reason  text not null,
    version text not null default '',
    since   timestamptz not null default clock_timestamp(),
    seen_at timestamptz not null default clock_timestamp(),
    primary key (tenant, origin, path)
);

do $$
declare t text;
begin
    foreach t in array array['knowledge_sources','knowledge_documents','knowledge_faults'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant_only on %I using (tenant = current_setting(''charter.tenant'', true)) '
            'with check (tenant = current_setting(''charter.tenant'', true))', t);
        execute format('grant select, insert, update, delete on %I to charter_app', t);
    end loop;
end $$;
