"""RIFT and other losses, Lightning module, recipes."""
