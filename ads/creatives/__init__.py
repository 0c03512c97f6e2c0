"""Uploaded creatives: from a file somebody sent to an ad that can be reviewed, and why not where it cannot."""
