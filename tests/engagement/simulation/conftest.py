from __future__ import annotations

import pytest

from ads.models import Ad
from tests.ads.inventory import make_ad
from tests.media import Films


@pytest.fixture
def stocked(transactional_db: None, films: Films) -> list[Ad]:
    """The test films, with three ads of different owners live on their real clips."""
    ads = []
    for number, (key, category) in enumerate(zip(films.ads, ("travel", "gaming", "retail"), strict=True)):
        ad = make_ad(advertiser=f"Owner {number}", category=category)
        ad.asset = films.ads[key]
        ad.skip_after = 3.0
        ad.save()
        ads.append(ad)
    return ads
