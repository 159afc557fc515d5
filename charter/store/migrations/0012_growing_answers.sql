-- Teams: what is shown of an answer that grows. Whoever tells of its run when the process has died ends it.
alter table teams_tasks add column shown text not null default '';
