"""Tenants as operators run them: what each may use now, how it is changed, and how it is taken out."""
