"""Sends the deliveries of webhooks: which hosts, what body, what signature, and when again.

Imports media for requests at checked addresses, locks, and the actions on webhooks.
"""
