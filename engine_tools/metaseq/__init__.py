"""Metaseq's OPT checkpoints, streamed to sharded safetensors that vLLM loads.

    python -m engine_tools.metaseq convert SOURCE OUT [--size opt-175b] [--md5 FILE]
    python -m engine_tools.metaseq verify SOURCE [OUT] [--md5 FILE]

Run in the repository's root with the engine's interpreter. Nothing of metaseq, fairscale or
Megatron is needed. Each module names the public files that its facts about the layout are from;
paths without a repository are those of github.com/facebookresearch/metaseq. The files of OPT-175B
themselves could not be read where this was written.
"""
