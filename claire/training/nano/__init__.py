"""nano: a language model of the Phi-3 architecture, trained from scratch on the narratives of random facts."""
