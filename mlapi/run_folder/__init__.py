"""The folder of a run, as the training child reads and writes it. Imports mlapi.domain only."""
