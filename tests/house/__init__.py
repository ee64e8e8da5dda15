"""The walls of the house: what may import what, and what each room may do."""
