"""LLM Playground: a language model on your own machine, and a look at how it works."""

__version__ = "0.1.0"
