"""Limits that no backend can pass: an empty application, the bare estimator, a bare server."""

# The vectorisers that the bare estimator is measured with: the product's, and scikit-learn's.
OWN, SCIKIT_LEARN = "own", "scikit-learn"
