"""Published data sets in the layout of their authors: one module each, what they share in `original`."""
