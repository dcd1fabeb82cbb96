"""Growth profiles of typical systems: daily and weekly curves, growth, SLO and practices, with sources."""
