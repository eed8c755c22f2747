"""What the subcommands of `crm` do; each module imports what it needs only when its command runs."""
