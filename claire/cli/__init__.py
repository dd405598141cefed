"""Typer commands, one short function each."""
