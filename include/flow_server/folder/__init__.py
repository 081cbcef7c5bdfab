"""Brings an index in line with a folder of pictures: `python -m include.flow_server sync FOLDER`."""

from include.flow_server.folder.sync import SyncReport, sync

__all__ = ["SyncReport", "sync"]
