"""The panel: SQLAdmin screens made from the registry, behind a door of its own."""
