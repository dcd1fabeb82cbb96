"""The migrations of the store's schema; Alembic runs `env.py`, `assessments.store.migrate` runs Alembic."""
