"""What people thought of their answers, and what staff did about it."""
