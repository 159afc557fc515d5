-- Somebody who can be reached in Teams now and could not before: what was to be asked of them is looked for once.
alter table teams_people add column newcomer boolean not null default true;
create index teams_people_newcomers on teams_people (tenant) where newcomer;

-- Whose turn it is, what somebody asked for, what is still to be done about questions, and what was said where: none of it
-- may cost more with every year that is kept.
create index teams_inbox_turns on teams_inbox (tenant, conversation, person, received_at, activity) where state = 'new';
create index teams_tasks_person on teams_tasks (tenant, person, created_at desc);
create index teams_asked_open on teams_asked (tenant, status) where status in ('pending', 'approved');
create index teams_outbox_said on teams_outbox (tenant, activity) where activity <> '';
create index teams_outbox_keys on teams_outbox (tenant, key collate "C");
