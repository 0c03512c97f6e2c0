"""The page of one trained model: what it learned from, how it did, what the gates said and how a single prediction came about."""
