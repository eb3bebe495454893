"""What simplify knows of each kind, and the rules the front end declares about its own ops."""
