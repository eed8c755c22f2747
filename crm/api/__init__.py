"""The REST door: routes generated from the registry, hand-written ones beside them."""
