"""Item models: rows and columns for views, without any view."""
