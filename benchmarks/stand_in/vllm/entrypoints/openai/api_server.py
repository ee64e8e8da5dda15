"""Lets the launcher start the stand-in engine as it would start vLLM."""

from benchmarks.stand_in_engine import main

main()
