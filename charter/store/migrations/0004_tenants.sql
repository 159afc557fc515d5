-- Tenants are created, configured, suspended and exported by operators while hosts run.
alter table tenants add column name text not null default '';
alter table tenants add column directory text;                 -- the Entra tenant whose tokens are theirs
alter table tenants add column settings jsonb not null default '{}';
alter table tenants add column reason text not null default '';  -- why it is suspended
alter table tenants add column updated_at timestamptz not null default clock_timestamp();
create unique index tenants_directory on tenants (directory) where directory is not null;

-- A suspended tenant's runs are nobody's to take up; the role of the named statements reads both.
create index tenants_suspended on tenants (id) where suspended;
