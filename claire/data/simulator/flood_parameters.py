"""Every number of the simulated floods, each with where it comes from; land and sensors are in `parameters`.

Reflectance is 0..1 in the bands of `BANDS`, backscatter is VV in dB, depths are metres, widths are pixels of 10 m
unless said otherwise. Ranges (low, high) are drawn from uniformly for every pair; shares say how often something
happens.

Sources, beside the short names of `parameters`:

    DOX   Doxaran et al. 2002, very turbid water, doi 10.1016/S0034-4257(01)00341-8
    MAR   Martinis et al. 2015, flooded land in SAR, doi 10.1016/j.isprsjprs.2014.07.014
    PUL   Pulvirenti et al. 2011, emerging plants and flooded towns in SAR, doi 10.5194/nhess-11-529-2011
    NOB   Nobre et al. 2011, height above the nearest drainage, doi 10.1016/j.jhydrol.2011.03.051
    EMS   Copernicus Emergency Management Service, manual of the rapid mapping products (outlines, mapping units)
    OMB   Drakonakis et al. 2022, OMBRIA, doi 10.1109/JSTARS.2022.3155559: measured on 200 chips of its train folder
    OUR   set here, by looking at these chips
"""

from __future__ import annotations

from dataclasses import dataclass

from claire.data.simulator.parameters import GROUND, Range, Spectrum

SETTING_WEIGHTS: dict[str, float] = {  # OUR: where floods were mapped, flat land first
    "open fields": 3.0,
    "small farms": 1.6,
    "wetland": 2.6,
    "savanna": 1.8,
    "steppe": 1.4,
    "town": 1.0,
    "coast": 1.0,
    "oasis": 0.5,
    "lakes": 0.5,
    "forest hills": 0.5,
    "desert": 0.3,
}
"""Key of `SETTINGS` -> how often floods are simulated there."""

FLOOD_WATER: dict[str, Spectrum] = {
    "clear": GROUND["clear water"],
    "turbid": GROUND["turbid water"],
    "green": GROUND["green water"],
    "humic": (0.020, 0.020, 0.018, 0.014, 0.004, 0.003),  # MOB, stained by peat and leaves
    "muddy": (0.085, 0.125, 0.150, 0.105, 0.012, 0.008),  # DOX
    "silt": (0.110, 0.175, 0.215, 0.210, 0.020, 0.014),  # DOX, as bright in B8 as in B3
}
"""Water of floods; a pair blends two of them by place."""

WATER_WEIGHTS = (0.8, 1.6, 0.8, 1.2, 1.6, 1.3)
"""How often each of `FLOOD_WATER` is one of the two."""


@dataclass(frozen=True)
class Flooding:
    """How floods lie, look, and are drawn.

    Args:
        relief: Relief of the setting is multiplied with it, because floods that are mapped lie in plains (OUR).
        river: Width of the river that comes in, metres (OUR).
        rivers: Share of pairs in which such a river comes in, if the setting has any.
        dry: Share of pairs without a flood (OMB: none of its chips; OUR, for false alarms).
        share: Parameters of the beta distribution of the flooded share of the land (OMB: mean .33).
        largest: Share that the largest flood covers.
        unevenness: Spread of the noise on the height above drainage, in units of its upper quartile (OUR).
        wave: Longest wavelength of this noise, pixels of 5 m.
        tilt: Spread of a slope of the flood across the scene, in the same units (OUR: the river is often outside).
        parcels: Share of pairs in which fields fill and stay dry as wholes, behind ditches and banks (OMB).
        parcel_step: By how much fields then differ.
        dykes: Share of pairs in which roads and tracks stand above the flood.
        dyke: By how much.
        hollows: Share of pairs that keep water without a way to a river, the sea or the edge.
        depth: Metres of water per unit of height, so that floods in plains are shallow.
        shallow: Depth at which bare ground no longer shows, metres (MOB: turbid water hides it sooner).
        reach: Share of their height from which plants are under water.
        gaps: Share of the ground between trunks that is seen as water from above.
        mats: Share of pairs with floating plants and emerging patches.
        moisture_before: Of the soil, before humidity is taken into account.
        moisture_after: The same after rain.
        soon: Days from before to after in half of the pairs.
        late: The same in the other half.
        replanted: Share of pairs in which fields bear other plants at another stage on the second date.
        orbit: Share of pairs whose second radar look is from the other side.
        water_db: VV of a calm flood (ULA, MAR).
        wind_db: What wind adds to it (MAS, MAR).
        windy: Share of pairs with wind over the flood.
        bounce_wood_db: What water under trees adds to VV (HES, PUL; less in VV than in HH).
        bounce_plant_db: What water under emerging plants adds to what they send back (PUL).
        bounce_town_db: What water in streets adds to walls (PUL).
        lag: Share of pairs in which the two sensors see the flood on different days.
        receding: Ratio of the flooded shares on these days.
        optical_lags: Share of these pairs in which the label is of the day of the radar.
        missed: Share of pairs with a SAR picture of before or after the flood (OMB).
        standing: Share of pairs with water on part of the land on the first date (OMB).
        standing_part: Which part of the later flood that is.
        river_turbid: Share of pairs whose river carries what the flood carries.
        clouds_after: Share of pairs with clouds in the second optical picture (OMB).
        clouds_before: The same in the first.
        cloud_weights: How often thin, broken and thick.
        filtered: Share of pairs whose SAR was filtered against speckle (OMB).
        filter_width: Sigma of this filter, pixels.
        beyond_before: dB above the brightest pixel that are 255 in the first picture, because a chip of twice the side
            holds a house (OMB).
        beneath: dB below the darkest pixel that are 0 in the first and second picture, for the same reason (OMB).
        white: Reflectance that is 255 in the first picture (OMB).
        white_drift: Mean and spread of the logarithm of its ratio between the dates (OMB).
        surface: Share of pairs without air above them.
        haze_after: Reflectance that moist air adds in blue on the second date (OMB: B3 rises while B8 and B11 fall).
        gap: Share of pairs with a strip without optical data (OMB).
        gap_width: Share of the side that it takes.
    """

    relief: Range = (0.15, 0.8)
    river: Range = (12.0, 140.0)
    rivers: float = 0.45
    dry: float = 0.04
    share: tuple[float, float] = (0.8, 1.05)
    largest: float = 1.0
    unevenness: Range = (0.05, 0.5)
    wave: Range = (120.0, 600.0)
    tilt: float = 0.8
    parcels: float = 0.25
    parcel_step: Range = (0.1, 0.8)
    dykes: float = 0.5
    dyke: Range = (0.2, 1.5)
    hollows: float = 0.7
    depth: Range = (0.8, 4.0)
    shallow: Range = (0.06, 0.3)
    reach: Range = (0.25, 0.8)
    gaps: Range = (0.2, 0.7)
    mats: float = 0.3
    moisture_before: Range = (0.0, 0.6)
    moisture_after: Range = (0.5, 1.0)
    soon: Range = (10.0, 75.0)
    late: Range = (75.0, 360.0)
    replanted: float = 0.4
    orbit: float = 0.12
    water_db: Range = (-27.0, -20.5)
    wind_db: Range = (1.0, 8.0)
    windy: float = 0.22
    bounce_wood_db: Range = (0.0, 4.0)
    bounce_plant_db: Range = (0.0, 2.5)
    bounce_town_db: Range = (0.0, 3.0)
    lag: float = 0.65
    receding: Range = (0.15, 1.3)
    optical_lags: float = 0.8
    missed: float = 0.08
    standing: float = 0.15
    standing_part: Range = (0.1, 0.5)
    river_turbid: float = 0.75
    clouds_after: float = 0.27
    clouds_before: float = 0.03
    cloud_weights: tuple[float, float, float] = (0.5, 0.38, 0.12)
    filtered: float = 0.6
    filter_width: Range = (0.5, 1.4)
    beyond_before: Range = (0.0, 5.0)
    beneath: tuple[Range, Range] = ((0.0, 6.0), (0.0, 12.0))
    white: Range = (0.6, 1.05)
    white_drift: tuple[float, float] = (0.10, 0.15)
    surface: float = 0.7
    haze_after: Range = (0.0, 0.05)
    gap: float = 0.06
    gap_width: Range = (0.02, 0.2)


FLOODING = Flooding()


@dataclass(frozen=True)
class Drawing:
    """How analysts draw outlines (EMS, and what labels of OMBRIA look like).

    Args:
        smoothing: Sigma of the smoothing of outlines, pixels.
        shift: Spread of the displacement, pixels; at most 2.
        coarse: Share of pairs whose outlines come from pixels of 20 to 50 m.
        least: Smallest patch and smallest hole that is kept, pixels.
        woods: Share of pairs in which the flood under trees is drawn.
        town: Share of pairs in which the flood in streets is drawn.
        plants: Share of pairs in which parts with emerging plants are not drawn.
        rim: Share of pairs in which a rim around permanent water is taken for it.
        rim_width: Its width, pixels.
    """

    smoothing: Range = (0.7, 3.5)
    shift: float = 0.6
    coarse: float = 0.2
    least: tuple[int, int] = (4, 60)
    woods: float = 0.35
    town: float = 0.6
    plants: float = 0.3
    rim: float = 0.5
    rim_width: tuple[int, int] = (1, 2)


DRAWING = Drawing()
