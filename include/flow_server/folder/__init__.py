"""Brings an index in line with a folder of pictures: `python -m include.flow_server sync FOLDER`."""
