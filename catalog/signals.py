"""What the catalogue tells the floors above, which connect to it: it knows none of them."""

from django.dispatch import Signal

# Sent with ``asset`` when a clip became playable or was taken out of service, inside the transaction that changed it.
asset_state_changed = Signal()
