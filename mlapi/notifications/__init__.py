"""Sends the deliveries of webhooks: the hosts that are allowed, the bodies, the signatures.

Imports media for requests at checked addresses, locks, and the actions on webhooks.
"""
