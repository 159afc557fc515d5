-- Teams: what came in, what is to be said, and where people are reached.

-- A conversation that this host was spoken to in. The address is the last one that the channel named.
create table teams_conversations (
    tenant      text not null references tenants(id),
    id          text not null,
    scope       text not null check (scope in ('personal', 'group', 'channel')),
    service_url text not null,
    bot_id      text not null,
    bot_name    text not null default '',
    person      text not null default '',
    installed   boolean not null default true,
    updated_at  timestamptz not null default clock_timestamp(),
    primary key (tenant, id)
);
create index teams_conversations_person on teams_conversations (tenant, person) where person <> '';

-- Somebody who has come in by Teams: how the channel names them, and the roles that they had when they last did. What a
-- process remembers of somebody is of the sign-outs until then; they were last asked to sign in at asked_at, in asked_in.
create table teams_people (
    tenant     text not null references tenants(id),
    id         text not null,
    account    text not null,
    name       text not null default '',
    locale     text not null default '',
    roles      text[] not null default '{}',
    signed_out boolean not null default false,
    sign_outs  integer not null default 0,
    asked_at   timestamptz,
    asked_in   text not null default '',
    seen_at    timestamptz not null default clock_timestamp(),
    primary key (tenant, id)
);

-- Each activity once, before it is answered. Only ids stay of what is done.
create table teams_inbox (
    tenant       text not null references tenants(id),
    conversation text not null,
    activity     text not null,
    person       text not null,
    body         jsonb,
    state        text not null default 'new' check (state in ('new', 'signing_in', 'done')),
    attempts     smallint not null default 0,
    taken_until  timestamptz,
    received_at  timestamptz not null default clock_timestamp(),
    primary key (tenant, conversation, activity)
);
create index teams_inbox_open on teams_inbox (tenant, received_at) where state <> 'done';
create index teams_inbox_age on teams_inbox (received_at);

-- A sign-in that a client offered: every open client of a person sends the same one.
create table teams_exchanges (
    tenant  text not null references tenants(id),
    id      text not null,
    person  text not null,
    done    boolean not null default false,
    at      timestamptz not null default clock_timestamp(),
    primary key (tenant, id)
);

-- A run that somebody asked for in Teams, and what they have been told of it: the journal up to told_seq.
create table teams_tasks (
    tenant          text not null references tenants(id),
    run_id          text not null,
    conversation    text not null,
    root            text not null default '',
    reply_to        text not null default '',
    person          text not null,
    account         text not null,
    locale          text not null default '',
    private         boolean not null default false,
    told_seq        bigint not null default 0,
    streaming_until timestamptz,
    carded          boolean not null default false,
    done            boolean not null default false,
    created_at      timestamptz not null default clock_timestamp(),
    primary key (tenant, run_id),
    foreign key (tenant, run_id) references runs(tenant, id)
);
create index teams_tasks_open on teams_tasks (tenant, run_id) where not done;

-- What approvers have been asked, and when they are to be reminded.
create table teams_asked (
    tenant      text not null references tenants(id),
    approval_id text not null,
    status      text not null default 'pending',
    reminders   smallint not null default 0,
    asked_at    timestamptz not null default clock_timestamp(),
    primary key (tenant, approval_id)
);

-- What is to be said. A key is said once; an edit of a key that has not left yet takes its place.
create table teams_outbox (
    tenant       text not null references tenants(id),
    key          text not null,
    number       bigint generated always as identity,
    conversation text not null default '',
    root         text not null default '',
    person       text not null default '',
    reply_to     text not null default '',
    private_to   text not null default '',
    edits        text not null default '',
    body         jsonb,
    state        text not null default 'waiting' check (state in ('waiting', 'sending', 'sent', 'given_up')),
    attempts     smallint not null default 0,
    due_at       timestamptz not null default clock_timestamp(),
    taken_until  timestamptz,
    activity     text not null default '',
    place        text not null default '',
    reason       text not null default '',
    tried_at     timestamptz,
    created_at   timestamptz not null default clock_timestamp(),
    primary key (tenant, key)
);
create index teams_outbox_due on teams_outbox (tenant, due_at) where state in ('waiting', 'sending');
create index teams_outbox_ways on teams_outbox (tenant, conversation, person, number) where state in ('waiting', 'sending');
create index teams_outbox_edits on teams_outbox (tenant, edits, number) where state in ('waiting', 'sending') and edits <> '';
create index teams_outbox_age on teams_outbox (created_at);

-- The Teams SDK's own store of states, and this door's: which agent and thread a person talks with where.
create table teams_state (
    tenant     text not null references tenants(id),
    key        text not null,
    value      jsonb not null,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (tenant, key)
);

-- How many files came with a run's input; what was read of them stands in the journal with it.
alter table runs add column files smallint not null default 0;

-- What people thought of an answer.
create table run_feedback (
    tenant    text not null,
    run_id    text not null,
    principal text not null,
    reaction  text not null check (reaction in ('like', 'dislike')),
    reason    text not null default '',
    at        timestamptz not null default clock_timestamp(),
    primary key (tenant, run_id, principal),
    foreign key (tenant, run_id) references runs(tenant, id)
);
create index run_feedback_newest on run_feedback (tenant, at desc, run_id desc);

do $$
declare t text;
begin
    foreach t in array array['teams_conversations','teams_people','teams_inbox','teams_exchanges','teams_tasks','teams_asked',
                             'teams_outbox','teams_state','run_feedback'] loop
        execute format('alter table %I enable row level security', t);
        execute format('alter table %I force row level security', t);
        execute format(
            'create policy tenant_only on %I using (tenant = current_setting(''charter.tenant'', true)) '
            'with check (tenant = current_setting(''charter.tenant'', true))', t);
        execute format('grant select, insert, update, delete on %I to charter_app', t);
    end loop;
end $$;

-- Across tenants: whose work is due. No content, no person.
create policy host_sees_open on teams_inbox for select to charter_host using (state <> 'done');
grant select (tenant, state, taken_until, received_at) on teams_inbox to charter_host;
create policy host_sees_due on teams_outbox for select to charter_host using (state in ('waiting', 'sending'));
grant select (tenant, state, due_at, taken_until) on teams_outbox to charter_host;
create policy host_sees_open on teams_tasks for select to charter_host using (not done);
grant select (tenant, run_id, done, told_seq, streaming_until) on teams_tasks to charter_host;

create policy host_sees_whose on teams_conversations for select to charter_host using (true);
grant select (tenant) on teams_conversations to charter_host;

-- Retention.
create policy host_forgets_feedback on run_feedback for delete to charter_host using (run_ended(tenant, run_id));
create policy host_sees_feedback on run_feedback for select to charter_host using (run_ended(tenant, run_id));
grant select (tenant, run_id), delete on run_feedback to charter_host;
create policy host_forgets_tasks on teams_tasks for delete to charter_host using (run_ended(tenant, run_id));
create policy host_sees_ended on teams_tasks for select to charter_host using (run_ended(tenant, run_id));
grant delete on teams_tasks to charter_host;
