"""Facts, template narrator, Phi-3 through llama.cpp, grounding check."""
