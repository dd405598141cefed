"""Attention maps, Captum attributions, modality contribution, faithfulness, what-if."""
