"""The registry of trained models, in one place for those who use it: artifacts, versions with their aliases, serving seats."""

from .artifacts import LoadedModel, load_version, read_artifact, store_artifact
from .seats import Serving, forget_loaded, load_challenger, load_champion, load_serving
from .versions import NotPromotable, challenger_row, champion_row, promote, register, rollback

__all__ = [
    "LoadedModel",
    "NotPromotable",
    "Serving",
    "challenger_row",
    "champion_row",
    "forget_loaded",
    "load_challenger",
    "load_champion",
    "load_serving",
    "load_version",
    "promote",
    "read_artifact",
    "register",
    "rollback",
    "store_artifact",
]
