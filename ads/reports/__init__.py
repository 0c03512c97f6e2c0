"""Questions people ask of what was decided and delivered, answered from what was stored."""
