"""When a project trains, on what, how, and how good the result is."""
