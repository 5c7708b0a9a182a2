"""Surfaces: what each place of a shop or a site wants to be recommended, as one TOML file."""

from ranking.surfaces.parse import parse
from ranking.surfaces.rejected import SurfacesRejected
from ranking.surfaces.surface import Filtering, Surface, Surfaces

__all__ = ["Filtering", "Surface", "Surfaces", "SurfacesRejected", "parse"]
