"""The HTTP API of ad serving: decisions for players, and what staff sell and steer for their own tools."""
