"""Modules that load on first use, for this room: see ``graphad.runtime.lazy``."""

from graphad.runtime.lazy import LazyModule, MissingModuleError, lazy_import, load_module

__all__ = ["LazyModule", "MissingModuleError", "lazy_import", "load_module"]
