"""Attention maps, Captum attributions, modality contribution, faithfulness, what-if.

Reads a `Segmenter` or `OpenSegmenter` and a `Prepared` pair; knows no network and no file.
"""
