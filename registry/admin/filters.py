"""Filters that several lists share."""

from unfold.contrib.filters.admin import AutocompleteSelectFilter

PROJECT = ("project", AutocompleteSelectFilter)
VERSION = ("version", AutocompleteSelectFilter)
