"""Uploaded files: storage by content, names, what may be stored, reading them from a request, previews."""
