"""Lets the launcher start the stand-in engine like vLLM."""

from benchmarks.stand_in_engine import main

main()
