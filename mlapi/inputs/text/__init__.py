"""Texts: what Label Studio's editor shows of a task in each object tag that is text."""
