"""What a compiled function tells about itself, as text.

* `stages`: the graph after each pass and the kernels (`Function.show`, `Function.diff`)
* `explain`: what the compiler did and chose (`Function.explain`)
* `profile`: where the time goes (`Function.profile`)
* `probing`: intermediates by name (`Function.probe`)
"""
