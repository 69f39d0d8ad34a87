"""Which URLs a webhook may have: https on the internet, and what WEBHOOK_ALLOWED_HOSTS lists."""

from django.conf import settings

from mlapi.media import addresses
from mlapi.media.addresses import AddressRefused, IPAddress, WebAddress
from mlapi.media.allowlist import AllowedHosts, is_public
from registry.actions.webhooks import WebhookUrlRefused


class ReceiverPolicy:
    """The address policy of a request to a webhook; see `mlapi.media.fetch`."""

    def __init__(self) -> None:
        self._listed = AllowedHosts(settings.WEBHOOK_ALLOWED_HOSTS)

    def allows(self, address: WebAddress) -> bool:
        """Whether the address may be requested."""
        is_https = address.scheme == "https" and address.port == addresses.PORTS["https"]
        return is_https or self._listed.allows(address)

    def may_reach(self, address: WebAddress, ip: IPAddress) -> bool:
        """Whether it may be requested from `ip`, to which its host resolved."""
        return is_public(ip) or self._listed.may_reach(address, ip)


def allowed_host(url: str) -> str:
    """The host of a URL that a webhook may have. Raises WebhookUrlRefused.

    Where a name leads is checked when something is sent: it may change.
    """
    policy = ReceiverPolicy()
    try:
        address = addresses.parse(url)
    except AddressRefused as error:
        raise WebhookUrlRefused(error.message) from None
    literal = addresses.literal(address.host)
    if not policy.allows(address):
        raise WebhookUrlRefused("The URL is not https on port 443.")
    if literal is not None and not policy.may_reach(address, literal):
        raise WebhookUrlRefused("The URL leads into the private network.")
    return address.authority
