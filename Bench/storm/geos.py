"""GEOS `covers`, through its C API: the truth that answers are held against."""

import bisect
import ctypes
import ctypes.util

_geos = ctypes.CDLL(ctypes.util.find_library("geos_c") or "libgeos_c.so.1")
for name, result, arguments in [
    ("GEOS_init_r", ctypes.c_void_p, []),
    ("GEOSGeomFromWKT_r", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
    ("GEOSPrepare_r", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_void_p]),
    ("GEOSGeom_createPointFromXY_r", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_double, ctypes.c_double]),
    ("GEOSPreparedCovers_r", ctypes.c_char, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]),
    ("GEOSPreparedGeom_destroy_r", None, [ctypes.c_void_p, ctypes.c_void_p]),
    ("GEOSGeom_destroy_r", None, [ctypes.c_void_p, ctypes.c_void_p]),
    ("GEOSArea_r", ctypes.c_int, [ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_double)]),
]:
    function = getattr(_geos, name)
    function.restype, function.argtypes = result, arguments
_context = _geos.GEOS_init_r()


class Points:
    """Positions, found by their longitude; each is a GEOS point."""

    def __init__(self, positions):
        self.order = sorted(range(len(positions)), key=lambda index: positions[index][0])
        self.lons = [positions[index][0] for index in self.order]
        self.lats = [positions[index][1] for index in self.order]
        self.geometries = [
            _geos.GEOSGeom_createPointFromXY_r(_context, lon, lat) for lon, lat in zip(self.lons, self.lats)
        ]

    def covered(self, geometry):
        """The numbers of the positions that a GeoJSON polygon or multipolygon covers, boundary included; and its area in square degrees."""
        polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
        text = ",".join(
            "(" + ",".join("(" + ",".join(f"{v[0]!r} {v[1]!r}" for v in ring) + ")" for ring in polygon) + ")"
            for polygon in polygons
        )
        shape = _geos.GEOSGeomFromWKT_r(_context, f"MULTIPOLYGON({text})".encode())
        if not shape:
            raise ValueError("GEOS does not take the area")
        prepared = _geos.GEOSPrepare_r(_context, shape)
        area = ctypes.c_double()
        _geos.GEOSArea_r(_context, shape, ctypes.byref(area))
        vertices = [v for polygon in polygons for v in polygon[0]]
        west, east = min(v[0] for v in vertices), max(v[0] for v in vertices)
        south, north = min(v[1] for v in vertices), max(v[1] for v in vertices)
        found = [
            self.order[place]
            for place in range(bisect.bisect_left(self.lons, west), bisect.bisect_right(self.lons, east))
            if south <= self.lats[place] <= north
            and _geos.GEOSPreparedCovers_r(_context, prepared, self.geometries[place]) == b"\x01"
        ]
        _geos.GEOSPreparedGeom_destroy_r(_context, prepared)
        _geos.GEOSGeom_destroy_r(_context, shape)
        return found, area.value
