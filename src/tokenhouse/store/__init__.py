"""The store: the only part that speaks SQL. One module a subject, every statement named in `sql/`."""
