"""Analysis to HTML, PDF and JSON."""
