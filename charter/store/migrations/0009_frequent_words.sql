-- How many passages of a tenant have a word, for those words that many have: a question is searched by its rarer ones.
create table frequent_words (
    tenant   text not null references tenants(id),
    word     text not null,
    passages integer not null,
    primary key (tenant, word)
);
alter table frequent_words enable row level security;
alter table frequent_words force row level security;
create policy tenant_only on frequent_words using (tenant = current_setting('charter.tenant', true))
    with check (tenant = current_setting('charter.tenant', true));
grant select, insert, update, delete on frequent_words to charter_app;
