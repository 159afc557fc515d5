-- A bundle may hold code. Its seal proves that a host put it into effect: a planted row must not run.
alter table bundles add column seal text not null default '';
grant update (files, seal) on bundles to charter_host;
