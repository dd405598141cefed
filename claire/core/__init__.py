"""Vocabulary of CLAIRE: types, errors, class schemes, bands, settings, provenance. numpy and stdlib only."""
