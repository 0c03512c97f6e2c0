"""The ad copy helper: headlines suggested for an ad and a segment, compared by what was measured. Suggestions only; the review decides."""
