"""What is sold as a table: exported to CSV and XLSX in words, and read back after a dry run."""
