"""REST under /api/: the record to be read, and the acts to be done, by scripts."""
