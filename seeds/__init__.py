"""What a database may begin with: `initial` (always), `demo` (to look around), `dataset` (a public data set)."""
