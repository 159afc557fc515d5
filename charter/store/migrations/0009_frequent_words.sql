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

-- Full text within row-level security could not use its index: PostgreSQL compares words only after the tenant, since the
-- comparison is not leakproof, and so would read every passage of the table. These functions compare as the tables' owner,
-- whose view of passages and documents is whole, and hold the tenant themselves; only they see it so, and what they
-- return are ids of passages that the asking principal may read.
do $$
begin
    execute format('create policy owner_searches on passages for select to %I using (true)', current_user);
    execute format('create policy owner_searches on documents for select to %I using (true)', current_user);
end $$;

create function passages_worded(asked tsquery, acl text[], named text[], most integer)
returns table (id text, place bigint)
language sql stable rows 50 security definer set search_path = pg_catalog, public, pg_temp as $$
    select p.id, row_number() over (order by ts_rank(p.words, asked) desc, p.id) as place
    from public.passages p
    join public.documents d on d.tenant = p.tenant and d.id = p.document_id
    where p.tenant = current_setting('charter.tenant', true) and p.words @@ asked
      and d.readers && acl and d.collection = any (named)
    order by place
    limit most
$$;

create function passages_exact(asked tsquery, near public.vector, acl text[], named text[], most integer)
returns table (id text)
language sql stable rows 50 security definer set search_path = pg_catalog, public, pg_temp as $$
    select p.id
    from public.passages p
    join public.documents d on d.tenant = p.tenant and d.id = p.document_id
    where p.tenant = current_setting('charter.tenant', true) and p.words @@ asked
      and d.readers && acl and d.collection = any (named)
    order by p.embedding <=> near
    limit most
$$;

revoke all on function passages_worded, passages_exact from public;
grant execute on function passages_worded, passages_exact to charter_app;
