"""What the systems that run a service say of how it is set up to scale, one file per system."""
