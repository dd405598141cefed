"""Encoders, CMAF fusion, decoder, the CLAIRE network, baselines, checkpoint files."""
