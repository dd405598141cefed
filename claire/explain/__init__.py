"""Attention maps, Captum attributions, modality contribution, faithfulness, what-if.

Reads a `Segmenter` and a `Prepared` pair; knows no network and no file. The only package that imports captum.
"""
