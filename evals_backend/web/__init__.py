"""The web server: one thread reads whole requests and writes answers, others run Django.

A client takes a thread only while its whole request is worked on, so slow ones take none. gunicorn
parses heads and makes WSGI of them (`messages`); `front` holds the connections, each a
`connection`; `lanes` are the threads, apart for what must not wait for each other; `process` is
one process of it. Imports no view.
"""
