"""What a model needs and what a machine provides: arithmetic for the site and the workers.

Pure Python without dependencies; imports nothing else from Gatehouse.
"""
