"""The only package that knows every stage."""
