"""A define-and-run autodiff compiler."""
