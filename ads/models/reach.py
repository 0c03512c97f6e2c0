"""How many different people ads reached: one sketch a day and subject, which may be united with others of any day."""

from __future__ import annotations

from django.db import models


class ReachDay(models.Model):
    """Who saw ads that count on one UTC day, as a HyperLogLog sketch: viewers who gave consent, else sessions. Holds no id of anybody."""

    class Of(models.TextChoices):
        ALL = "all"
        CAMPAIGN = "campaign"
        FLIGHT = "flight"
        TITLE = "title"

    day = models.DateField()
    dimension = models.CharField(max_length=8, choices=Of)
    subject = models.BigIntegerField(default=0, help_text="Of the campaign, the flight or the title; 0 for all")
    synthetic = models.BooleanField(default=False)
    sketch = models.BinaryField(help_text="Apache DataSketches HLL, compact")
    people = models.FloatField(help_text="What the sketch estimates; never to be summed: unite the sketches")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dimension", "subject", "day", "synthetic"], name="reach_day_key")]

    def __str__(self) -> str:
        return f"reach of {self.dimension} {self.subject} on {self.day}"


class ReachDue(models.Model):
    """A minute of event time whose impressions are to be added to the day's sketches; written with the events themselves."""

    minute = models.DateTimeField()

    def __str__(self) -> str:
        return f"reach of {self.minute:%Y-%m-%d %H:%M} is due"
