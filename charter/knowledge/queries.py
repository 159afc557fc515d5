"""The statements of the PostgreSQL index. Row-level security keeps each within the tenant of its session."""

# With a filter, an HNSW scan would otherwise stop after ef_search neighbours, readable or not; pgvector 0.8 can go on.
# Plans are made for the values at hand: who may read little gets an exact scan of that little.
# Compiling such a statement would cost more than it saves.
SET_UP = """
set local hnsw.iterative_scan = relaxed_order;
set local hnsw.ef_search = 200;
set local hnsw.max_scan_tuples = 1000000;
set local hnsw.scan_mem_multiplier = 16;
set local plan_cache_mode = force_custom_plan;
set local jit = off;
"""

FREQUENT_WORDS = """
insert into frequent_words (tenant, word, passages)
select current_setting('charter.tenant'), word, ndoc from ts_stat('select words from passages') where ndoc >= 100
on conflict (tenant, word) do update set passages = excluded.passages
"""

KEPT = """
select p.id, d.content_hash from passages p join documents d on d.tenant = p.tenant and d.id = p.document_id
where d.id = $1
"""

# $1 vector  $2 acl  $3 collections  $4 exact terms  $5 question  $6 most
# Full text ranks every passage that has a word: so the rarest words of a question are taken, as far as few passages have them.
# The two searches that compare words are functions of the database (migration 0009). Rights stand inside each search, so a
# document that is not readable never takes a place from one that is.
CANDIDATES = """
with readable as not materialized (
    select p.id, p.document_id, p.start_char, p.end_char, p.heading, p.body, p.words, p.embedding, d.title, d.integrity, d.readers
    from passages p
    join documents d on d.tenant = p.tenant and d.id = p.document_id
    where d.readers && $2::text[] and d.collection = any($3::text[])
),
near as (
    select id from readable order by embedding <=> $1::text::vector limit $6
),
exact as (
    select e.id
    from (
        select string_agg('(' || phraseto_tsquery('english', term)::text || ')', ' | ')::tsquery as phrases
        from unnest($4::text[]) term where numnode(phraseto_tsquery('english', term)) > 0
    ) asked, passages_exact(phrases, $1::text::vector, $2::text[], $3::text[], $6::int) e
    where phrases is not null
),
asked as (
    select string_agg(quote_literal(word), ' | ')::tsquery as words
    from (
        select word, sum(coalesce(passages, 100)) over rarer as passages, row_number() over rarer as nth
        from unnest(tsvector_to_array(to_tsvector('english', $5))) word left join frequent_words using (word)
        window rarer as (order by coalesce(passages, 0), word)
    ) counted
    where passages <= 3000 or (nth = 1 and passages <= 10000)
),
worded as (
    select w.id, w.place from asked, passages_worded(words, $2::text[], $3::text[], $6::int) w where words is not null
)
select r.id, r.document_id, r.start_char, r.end_char, r.heading, r.body, r.title, r.integrity, r.readers,
       1 - (r.embedding <=> $1::text::vector) as similarity, w.place
from readable r left join worded w on w.id = r.id
where r.id in (select id from near union select id from exact union select id from worded)
"""

OPEN = """
select p.document_id, p.id as passage_id, d.collection, d.title, d.url, p.heading,
       p.start_char as start, p.end_char as "end", p.body as text, d.body as document_text, d.integrity, d.readers
from passages p
join documents d on d.tenant = p.tenant and d.id = p.document_id
where p.document_id = $1 and p.id = $2 and d.readers && $3::text[]
"""

WRITE_DOCUMENT = """
insert into documents (tenant, id, collection, source, title, url, body, content_hash, integrity, readers)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (tenant, id) do update set
    title = excluded.title, url = excluded.url, body = excluded.body, content_hash = excluded.content_hash,
    integrity = excluded.integrity, readers = excluded.readers, updated_at = clock_timestamp()
"""

WRITE_PASSAGE = """
insert into passages (tenant, document_id, id, ordinal, start_char, end_char, heading, body, embedding)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::vector)
on conflict (tenant, id) do update set
    ordinal = excluded.ordinal, start_char = excluded.start_char, end_char = excluded.end_char,
    embedding = excluded.embedding
"""

# Passages that only moved within their document keep their vectors.
KEEP = """
with moved as (
    update passages p set ordinal = n.ordinal, start_char = n.start_char, end_char = n.end_char
    from unnest($2::text[], $3::int[], $4::int[], $5::int[]) as n (id, ordinal, start_char, end_char)
    where p.document_id = $1 and p.id = n.id
    returning p.id
)
select count(*) from moved
"""
