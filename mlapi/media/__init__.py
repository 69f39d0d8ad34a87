"""Files that tasks name: which may be fetched, fetching, keeping and decoding them in bounds."""
