"""Database: embedded or given, migrated, and opened only for a tenant."""
