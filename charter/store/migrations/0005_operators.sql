-- A host that does not migrate sees whether the schema is its own; an export says of which schema it is.
grant select on schema_migrations to charter_app;
