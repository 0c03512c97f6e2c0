"""OpenRTB 2.6: what a video bid request asks for, and our own demand's answer. We are asked as a buyer: each advertiser is a seat."""

from .asks import Ask, NoBid, asks, beside, content_of
from .bids import Offer, response
from .request import BidRequest, read

__all__ = ["Ask", "BidRequest", "NoBid", "Offer", "asks", "beside", "content_of", "read", "response"]
