"""Metaseq's OPT checkpoints, streamed to sharded safetensors that vLLM loads.

    python -m engine_tools.metaseq convert SOURCE OUT [--size opt-175b] [--md5 FILE]
    python -m engine_tools.metaseq verify SOURCE [OUT] [--md5 FILE]

Run in the repository's root with the engine's interpreter. Metaseq, fairscale and Megatron are not
needed. Each module names the public sources of its facts about the layout; paths without a
repository are those of github.com/facebookresearch/metaseq. The OPT-175B files themselves were not
available when this was written.
"""
