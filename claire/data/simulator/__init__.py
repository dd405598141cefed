"""A simulator of landscapes as Sentinel-1 and Sentinel-2 see them, with labels; `scene` puts the parts together."""
