"""Prepared -> SegmenterOutput -> Prediction: engines, sliding windows, temperature."""
