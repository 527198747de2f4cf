"""What `extract verify` looks at, a module for each concern. None of them raises for what it finds."""
