"""graphad.compiler: the graph and how it is computed."""
