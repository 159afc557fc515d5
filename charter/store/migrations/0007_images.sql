-- Images that a person's message shows: they are shown again wherever the run goes on, and go with it.
alter table runs add column images smallint not null default 0;

create table run_images (
    tenant     text not null,
    run_id     text not null,
    ordinal    smallint not null,
    media_type text not null check (media_type in ('image/png', 'image/jpeg', 'image/gif', 'image/webp')),
    data       bytea not null,
    primary key (tenant, run_id, ordinal),
    foreign key (tenant, run_id) references runs(tenant, id)
);
alter table run_images alter column data set storage external;  -- compressed already
alter table run_images enable row level security;
alter table run_images force row level security;
create policy tenant_only on run_images using (tenant = current_setting('charter.tenant', true))
    with check (tenant = current_setting('charter.tenant', true));
grant select, insert on run_images to charter_app;

-- Retention. No named statement reads what is on them.
create policy host_sees_ended on run_images for select to charter_host using (run_ended(tenant, run_id));
create policy host_forgets_ended on run_images for delete to charter_host using (run_ended(tenant, run_id));
grant select (tenant, run_id, ordinal), delete on run_images to charter_host;
