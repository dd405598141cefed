"""Facts, template narrator, Phi-3 through llama.cpp, grounding check.

Reads an `Analysis`, never pixels. The only package that imports llama_cpp, and it works without it.
"""
