"""Rules of the code: which packages may import which, and which names they may use."""
