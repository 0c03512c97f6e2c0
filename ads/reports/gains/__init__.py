"""What a change would free: logged requests are decided again by the real engine, with the flight as it is and as it would be."""
