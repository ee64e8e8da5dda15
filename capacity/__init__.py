"""What a model needs and what a machine gives: arithmetic that site and workers share.

Pure Python without dependencies; imports nothing of the house.
"""
