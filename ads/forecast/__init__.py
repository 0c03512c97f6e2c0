"""What flights can expect: the traffic of the last weeks, who may serve it, who wins it, and whether that reaches the goal."""
