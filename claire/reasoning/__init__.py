"""Facts, template narrator, Phi-3 through llama.cpp, grounding check.

Makes facts from an `Analysis`; narrators see facts, never pixels. The only package that imports llama_cpp, and it works
without it.
"""
