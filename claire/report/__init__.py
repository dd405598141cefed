"""Analysis to HTML, PDF and JSON, each one self-contained file."""
