"""Builds the detector's weights and measures it; needs requirements.txt here on top of the server's."""
