"""Sample projects for a first look, in a server and a folder of their own.

`make demo` makes them by HTTP alone, as Label Studio would: no module of the product is imported,
and none imports this package.
"""
