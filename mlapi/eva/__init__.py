"""The only place that imports EvaDB: directories, tables, statements, functions online."""
