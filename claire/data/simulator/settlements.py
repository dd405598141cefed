"""Roads, villages and towns with street grids, buildings on lots, and what walls do to radar."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from claire.data.simulator.noise import Field, Mask, build_noise, count_pixels, draw, keep_share
from claire.data.simulator.parameters import Setting
from claire.data.simulator.parcels import KEYS, LAST, cut_parcels, find_nearest
from claire.data.simulator.terrain import Terrain, stamp

ROAD_CELL = 8
"""5 m pixels per cell of the grid on which roads are planned."""


@dataclass(frozen=True)
class District:
    """A way of building.

    Args:
        street: Metres between streets, across and along a block.
        street_width: Metres.
        lot: Metres, across and along.
        filled: Share of a lot's side under the building.
        empty: Share of the lots without a building.
        roofs: Material -> share.
        yards: Material -> share.
        storeys: Factor on the height of a roof's material, least and most.
    """

    street: tuple[float, float]
    street_width: float
    lot: tuple[float, float]
    filled: float
    empty: float
    roofs: dict[str, float]
    yards: dict[str, float]
    storeys: tuple[float, float] = (0.8, 1.4)


DISTRICTS: dict[str, District] = {
    "houses": District(
        (75, 170), 9, (22, 30), 0.55, 0.12, {"tile roof": 5, "dark roof": 3, "concrete roof": 1}, {"yard": 1}
    ),
    "old town": District(
        (60, 90), 8, (14, 18), 0.92, 0.04, {"tile roof": 5, "dark roof": 2, "concrete roof": 1},
        {"paved yard": 2, "yard": 1}, (1.2, 2.2),
    ),
    "slabs": District(
        (140, 220), 14, (60, 32), 0.6, 0.15, {"concrete roof": 4, "dark roof": 3}, {"yard": 2, "paved yard": 1},
        (1.2, 4.0),
    ),
    "industry": District(
        (220, 320), 16, (80, 120), 0.72, 0.2, {"metal roof": 4, "blue roof": 2, "dark roof": 3, "concrete roof": 2},
        {"paved yard": 2, "asphalt": 2}, (0.8, 1.3),
    ),
    "tin and adobe": District(
        (55, 110), 6, (11, 13), 0.85, 0.1, {"adobe roof": 6, "metal roof": 2, "tile roof": 1},
        {"bare soil": 3, "yard": 1}, (0.8, 1.1),
    ),
}  # fmt: skip
"""OUR: by looking at towns; roofs and heights as in HEN and HER of the table of parameters."""


@dataclass(frozen=True)
class Settlement:
    """What people built.

    Args:
        material: (H, W) int16 material index, -1 where nothing is built.
        footprint: (H, W) bool, settled land, which the label calls built as a whole.
        height: (H, W) float32 metres of buildings.
        wall_db: (2, H, W) float32, what walls add to VV and VH.
        roads: (H, W) bool.
    """

    material: NDArray[np.int16]
    footprint: Mask
    height: Field
    wall_db: Field
    roads: Mask


def build_settlement(
    rng: np.random.Generator,
    terrain: Terrain,
    setting: Setting,
    index: dict[str, int],
    arid: float,
    look: float,
    relief: Field,
) -> Settlement:
    """Settle a terrain.

    Args:
        rng: Randomness.
        terrain: Where.
        setting: How many people.
        index: Material -> number.
        arid: 0..1; dry places build with earth.
        look: Direction in which the radar looks, radians from the rows.
        relief: (H, W) slope on 5 m pixels.
    """
    side = len(terrain.standing)
    water = terrain.standing | terrain.flowing
    buildable = ~ndimage.binary_dilation(water, iterations=3) & (relief < 0.22)
    town, centres = _find_town(rng, setting, buildable)
    villages = _choose_centres(rng, setting, buildable)
    centres += villages
    roads = _connect(rng, centres, relief, water, bool(centres))
    footprint = town | _find_villages(rng, villages, roads, buildable)
    material = np.full((side, side), -1, np.int16)
    height, wall = np.zeros((side, side), np.float32), np.zeros((2, side, side), np.float32)
    if footprint.any():
        names = _choose_districts(rng, setting, arid)
        rows, columns = count_pixels(side)
        rows = rows + build_noise(rng, side, 1.9, 220) * np.float32(6)
        district = find_nearest(rng, rows, columns, max(3, side // 60)) % len(names)
        for name in dict.fromkeys(names):
            here = footprint & np.array([each == name for each in names])[district]
            if here.any():
                box = _find_box(here)
                parts = material[box], height[box], wall[(slice(None), *box)]
                _build(rng, DISTRICTS[name], here[box], index, look, parts)
    material[roads & ~water] = index["asphalt"]
    material[roads & water] = index["asphalt"]
    height[roads], wall[:, roads] = 0, 0
    return Settlement(material, footprint, height, wall, roads)


def _find_town(rng: np.random.Generator, setting: Setting, buildable: Mask) -> tuple[Mask, list[tuple[float, float]]]:
    share, side = draw(rng, setting.town), len(buildable)
    if share < 0.01:
        return np.zeros_like(buildable), []
    centre = rng.uniform(0.2, 0.8, 2) * side
    rows, columns = count_pixels(side)
    away = np.hypot(rows - np.float32(centre[0]), columns - np.float32(centre[1])) / np.float32(side)
    town = keep_share(build_noise(rng, side, 1.7, side * 0.5) * np.float32(0.22) - away, buildable, share)
    return ndimage.binary_opening(town, iterations=3), [(float(centre[0]), float(centre[1]))]


def _choose_centres(rng: np.random.Generator, setting: Setting, buildable: Mask) -> list[tuple[float, float]]:
    fit = np.flatnonzero(ndimage.binary_erosion(buildable, iterations=4))
    count = int(rng.integers(setting.villages[0], setting.villages[1] + 1))
    if not fit.size:
        return []
    return [(float(p // len(buildable)), float(p % len(buildable))) for p in rng.choice(fit, count)]


def _find_villages(rng: np.random.Generator, centres: list[tuple[float, float]], roads: Mask, buildable: Mask) -> Mask:
    """Land near a village centre, the more so near a road."""
    side = len(roads)
    settled = np.zeros_like(roads)
    if not centres:
        return settled
    rows, columns = count_pixels(side)
    along = ndimage.distance_transform_edt(~roads).astype(np.float32)
    rough = build_noise(rng, side, 1.2, 60)
    for row, column in centres:
        reach = rng.uniform(14, 60)
        away = np.hypot(rows - np.float32(row), columns - np.float32(column)) / np.float32(reach)
        settled |= away + along / np.float32(rng.uniform(8, 22)) + np.float32(0.2) * rough < 1.0
    return settled & buildable


def _connect(
    rng: np.random.Generator, centres: list[tuple[float, float]], slope: Field, water: Mask, main: bool
) -> Mask:
    """Roads from each centre to the next and to the edges, by least effort: slopes and water cost."""
    side = len(water)
    roads = np.zeros_like(water)
    if not main or side < 4 * ROAD_CELL:
        return roads
    cells = side // ROAD_CELL
    crop = slice(0, cells * ROAD_CELL)
    steep = _shrink(slope[crop, crop], cells)
    wet = _shrink(water[crop, crop].astype(np.float32), cells)
    rough = np.abs(build_noise(rng, cells, 1.4, 20)).astype(np.float64)
    effort = 1 + 60 * steep**2 + 9 * wet + 0.35 * rough
    graph = _as_graph(effort)
    targets = [_as_cell(centre, cells) for centre in centres]
    edges = [int(p) for p in rng.integers(0, cells, 4)]
    gates = [edges[0], edges[1] * cells + cells - 1, (cells - 1) * cells + edges[2], edges[3] * cells]
    gates = [gates[int(i)] for i in rng.choice(4, int(rng.integers(2, 4)), replace=False)]
    _, before = dijkstra(graph, indices=targets[:1], return_predecessors=True)
    for number, goal in enumerate([*gates, *targets[1:]]):
        path = _walk(before[0], goal)
        if len(path) < 2:
            continue
        line = np.stack([np.array(path) // cells, np.array(path) % cells], 1) * ROAD_CELL + ROAD_CELL / 2
        line = ndimage.gaussian_filter1d(line, 1.3, axis=0, mode="nearest")
        dense = np.linspace(0, len(path) - 1, 14 * len(path))
        points = np.stack([np.interp(dense, np.arange(len(path)), line[:, axis]) for axis in (0, 1)], 1)
        stamp(roads, points, rng.uniform(1.0, 1.9) if number < len(gates) else rng.uniform(0.5, 1.1))
    return roads


def _shrink(field: Field, cells: int) -> NDArray[np.float64]:
    return np.asarray(field.reshape(cells, ROAD_CELL, cells, ROAD_CELL).mean(axis=(1, 3)), np.float64)


def _as_cell(centre: tuple[float, float], cells: int) -> int:
    row, column = (min(int(value) // ROAD_CELL, cells - 1) for value in centre)
    return row * cells + column


def _as_graph(effort: NDArray[np.float64]) -> coo_array:
    cells = len(effort)
    index = np.arange(cells * cells).reshape(cells, cells)
    pairs = [
        (index[:, :-1], index[:, 1:], 1.0),
        (index[:-1], index[1:], 1.0),
        (index[:-1, :-1], index[1:, 1:], 2**0.5),
        (index[:-1, 1:], index[1:, :-1], 2**0.5),
    ]
    flat = effort.ravel()
    first = np.concatenate([a.ravel() for a, _, _ in pairs])
    second = np.concatenate([b.ravel() for _, b, _ in pairs])
    length = np.concatenate([np.full(a.size, far) for a, _, far in pairs])
    weight = (flat[first] + flat[second]) * length
    both = (np.concatenate([first, second]), np.concatenate([second, first]))
    return coo_array((np.concatenate([weight, weight]), both), shape=(flat.size, flat.size)).tocsr()


def _walk(before: NDArray[np.int32], goal: int) -> list[int]:
    path = [goal]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return path


def _choose_districts(rng: np.random.Generator, setting: Setting, arid: float) -> list[str]:
    """Names, one for each group of blocks; small places have houses only."""
    poor = arid > 0.6 and rng.uniform() < 0.7
    houses = "tin and adobe" if poor or rng.uniform() < 0.2 else "houses"
    if setting.town[1] < 0.05:
        return [houses, houses, "houses" if not poor else houses]
    others = rng.choice(["houses", "old town", "slabs", "industry", "tin and adobe"], 4, p=[0.3, 0.2, 0.2, 0.2, 0.1])
    return [houses, *(str(name) for name in others)]


def _build(
    rng: np.random.Generator,
    kind: District,
    here: Mask,
    index: dict[str, int],
    look: float,
    into: tuple[NDArray[np.int16], Field, Field],
) -> None:
    """Streets, lots and buildings of one kind of district, written into material, height and wall."""
    material, height, wall = into
    side = max(here.shape)
    box = slice(0, here.shape[0]), slice(0, here.shape[1])
    streets = cut_parcels(
        rng, side, blocks=2, width=kind.street[0] / 5, length=kind.street[1] / 5, irregular=0.35, bent=1.5, spread=0.9
    )
    block, key, street = streets.block[box], streets.key[box], streets.edge[box]
    if kind.street_width > 7:
        street = ndimage.binary_dilation(street, iterations=1 if kind.street_width < 12 else 2)
    lot, inner = _cut_lots(streets.turn, block, key, kind.lot)
    margin = (1 - kind.filled * rng.uniform(0.75, 1.15, KEYS).clip(0, 1.3).astype(np.float32)) / 2
    margin[rng.uniform(size=KEYS) < kind.empty] = 1
    building = inner > margin[lot]
    roofs = _draw_materials(rng, kind.roofs, index)
    yards = _draw_materials(rng, kind.yards, index)
    surface = index["track" if kind is DISTRICTS["tin and adobe"] else "asphalt"]
    found = np.where(street, surface, np.where(building, roofs[lot], yards[key]))
    np.copyto(material, found.astype(np.int16), where=here)
    standing = here & building & ~street
    lots, blocks = lot[standing], block[standing]
    storeys = rng.uniform(*kind.storeys, KEYS).astype(np.float32)
    height[standing] = storeys[lots]
    facing = _face(streets.turn - look)[blocks]
    strength = rng.gamma(1.6, 1 / 1.6, KEYS)
    glint = (10 * np.log10(strength + 0.08) + 2.5 * np.log2(storeys + 1)).astype(np.float32)[lots]
    wall[0][standing] = glint + 7.5 * facing - 1.0
    wall[1][standing] = glint + 3.0 * facing + 1.0


def _cut_lots(
    turn: NDArray[np.float64], block: NDArray[np.int32], key: NDArray[np.int32], lot: tuple[float, float]
) -> tuple[NDArray[np.int32], Field]:
    """Key of the lot of every pixel, and how far it is from the lot's edge, 0..0.5 of its side."""
    rows, columns = (axis[: block.shape[0], : block.shape[1]] for axis in count_pixels(max(block.shape)))
    wave, lean = np.cos(turn).astype(np.float32)[block], np.sin(turn).astype(np.float32)[block]
    u = (columns * wave + rows * lean) * np.float32(5 / lot[0])
    v = (rows * wave - columns * lean) * np.float32(5 / lot[1])
    whole_u, whole_v = np.floor(u), np.floor(v)
    number = (whole_u.astype(np.int32) * 733 + whole_v.astype(np.int32) * 2081 + key * 19) & LAST
    half = np.float32(0.5)
    inner = half - np.maximum(np.abs(u - whole_u - half), np.abs(v - whole_v - half))
    return number, inner


def _find_box(mask: Mask) -> tuple[slice, slice]:
    """The smallest box around the True pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _draw_materials(rng: np.random.Generator, shares: dict[str, float], index: dict[str, int]) -> NDArray[np.int16]:
    weights = np.array(list(shares.values()), float)
    numbers = np.array([index[name] for name in shares], np.int16)
    return np.asarray(rng.choice(numbers, KEYS, p=weights / weights.sum()))


def _face(angle: NDArray[np.float64]) -> Field:
    """1 where walls stand square to the look direction, falling within about 12 degrees (HEN)."""
    off = np.abs((angle + np.pi / 4) % (np.pi / 2) - np.pi / 4)
    return np.asarray(np.exp(-((off / np.radians(12)) ** 2)), np.float32)
