"""What a service's own monitoring sees, and whether it sees all, one file per system."""
