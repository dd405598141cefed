"""Confusion matrix, per-class scores, calibration, areas."""
