"""An analysis as one file to keep or send: HTML or PDF. Reads no weights and asks no network."""
