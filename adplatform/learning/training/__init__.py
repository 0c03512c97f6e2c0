"""Training of every kind of model: what a room registers, and the run that makes, judges and promotes a version."""

from .checkpoint import Checkpoint
from .dataset import Dataset, NotEnoughData, split, split_returning
from .judging import residual_bands
from .lock import AlreadyTraining, one_at_a_time
from .recipes import Policy, Recipe, UnknownKind, kinds, recipe_for, register_recipe, register_truth
from .run import Report, train, train_under_lock

__all__ = [
    "AlreadyTraining",
    "Checkpoint",
    "Dataset",
    "NotEnoughData",
    "Policy",
    "Recipe",
    "Report",
    "UnknownKind",
    "kinds",
    "one_at_a_time",
    "recipe_for",
    "register_recipe",
    "register_truth",
    "residual_bands",
    "split",
    "split_returning",
    "train",
    "train_under_lock",
]
