"""Reading untrusted rasters, pairing optical with SAR, preparing, data set adapters, degradations."""
