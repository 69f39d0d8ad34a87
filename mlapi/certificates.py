"""Which certificates of other servers are trusted, and why one is not."""

import functools
import ssl

import certifi
from django.conf import settings

# OpenSSL's codes (X509_V_ERR_...) of certificates that no other trust would make valid.
_NOT_YET_VALID, _EXPIRED, _HOSTNAME_MISMATCH, _IP_MISMATCH = 9, 10, 62, 64
_OWN_CURES = {
    _EXPIRED: "Renew it.",
    _NOT_YET_VALID: "Check the clocks of both machines.",
    _HOSTNAME_MISMATCH: "Use the name that is in it, or have that name added to it.",
    _IP_MISMATCH: "Use the name that is in it, or have that address added to it.",
}
_CURE = (
    "Set SSL_CERT_FILE to a PEM file with the certificate of the authority that issued it, "
    "and restart."
)


def tls() -> ssl.SSLContext:
    """The TLS context of connections to Label Studio and to hosts of media.

    Trusts the public authorities, those of this machine, and those in SSL_CERT_FILE.
    """
    return _tls(settings.SSL_CERT_FILE)


@functools.cache  # it takes 20 ms
def _tls(file: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    # What the file holds is trusted also where it is an intermediate authority's certificate, or
    # the server's own, as browsers save it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if file:
        context.load_verify_locations(file)
    return context


def untrusted(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """The failed verification of a certificate that caused an error; None if none did."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause


def reason(error: ssl.SSLCertVerificationError) -> str:
    """Why the certificate is not trusted, in OpenSSL's words."""
    return error.verify_message.rstrip(".").encode("ascii", "replace").decode()


def cure(error: ssl.SSLCertVerificationError) -> str:
    """What makes the server's certificate trusted."""
    return _OWN_CURES.get(error.verify_code, _CURE)
