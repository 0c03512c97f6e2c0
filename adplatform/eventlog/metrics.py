"""Prometheus counters of the event log's edge and consumer, one set in each process."""

from prometheus_client import Counter, Histogram

ACCEPTED = Counter("intermission_events_accepted_total", "Client events appended to the log", ["way"])
REFUSED = Counter("intermission_events_refused_total", "Client events refused at the edge", ["reason"])
STORED = Counter("intermission_events_stored_total", "Events this consumer stored")
REPEATED = Counter("intermission_events_repeated_total", "Ad events this consumer met again: a token or a batch sent twice, counted once")
DEAD = Counter("intermission_events_dead_total", "Log entries this consumer could not store")
BATCH_SIZE = Histogram("intermission_consumer_batch_entries", "Entries in one batch", buckets=(1, 10, 50, 100, 500, 1000, 2500, 5000))
BATCH_SECONDS = Histogram("intermission_consumer_batch_seconds", "Time from read to acknowledgement of one batch")
