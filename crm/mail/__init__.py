"""Mail: texts from templates, and the way to a server."""
