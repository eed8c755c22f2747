"""A backup is one archive of database, uploads and key; restoring it is all or nothing, and holds its mail."""
