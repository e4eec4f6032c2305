"""The version, for the package's metadata too."""

__version__ = "0.1.0"
