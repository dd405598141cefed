"""Every number of the simulator in one place, each with where it comes from.

Reflectance is 0..1, in the bands of `BANDS`; backscatter is sigma nought in dB at an incidence angle of 38 degrees;
heights are metres; days are days of the year in the north. Ranges (low, high) are drawn from uniformly for every scene:
domain randomisation (Tobin et al. 2017, doi 10.1109/IROS.2017.8202133).

Sources, by the short names that the tables use:

    ECO   Meerdink et al. 2019, ECOSTRESS spectral library, doi 10.1016/j.rse.2019.05.015
    SPL7  Kokaly et al. 2017, USGS spectral library version 7, doi 10.3133/ds1035
    LUC   Orgiazzi et al. 2018, LUCAS soil, doi 10.1111/ejss.12499
    HER   Herold et al. 2004, urban spectra of Santa Barbara, doi 10.1016/j.rse.2004.02.013
    MOB   Mobley 1994, Light and Water; Doxaran et al. 2002 (turbid), doi 10.1016/S0034-4257(01)00341-8
    WAR   Warren 1982, optics of snow, doi 10.1029/RG020i001p00067
    ULA   Ulaby and Dobson 1989, Handbook of Radar Scattering Statistics for Terrain
    VEL   Veloso et al. 2017, Sentinel-1 and -2 of crops, doi 10.1016/j.rse.2017.07.015
    TOR   Torres et al. 2012, Sentinel-1 mission (noise floor, looks), doi 10.1016/j.rse.2011.05.028
    HES   Hess et al. 1990, double bounce under flooded forest, doi 10.1080/01431169008955095
    HEN   Henderson and Xia 1997, SAR of settlements, doi 10.1109/36.551936
    ATT   Attema and Ulaby 1978, water cloud model, doi 10.1029/RS013i002p00357
    MAS   Masuda and Kubota 2013; Hersbach et al. 2007 (CMOD5, wind and sea), doi 10.1029/2006JC003743
    NAG   Nagler et al. 2016, wet snow with Sentinel-1, doi 10.3390/rs8040348
    VER   Vermote et al. 1997, 6S atmosphere, doi 10.1109/36.581987
    DRU   Drusch et al. 2012, Sentinel-2 mission (bands, noise, 20 m bands), doi 10.1016/j.rse.2011.11.026
    ALL   Allen et al. 1998, FAO 56 crop calendars
    ROY   Roy et al. 2016, c-factor of nadir reflectance, doi 10.1016/j.rse.2016.01.023
    OUR   set here, by looking at real tiles and their statistics (docs/methods.md says which)
"""

from __future__ import annotations

from dataclasses import dataclass

BANDS = ("B2", "B3", "B4", "B8", "B11", "B12")
SAR_BANDS = ("VV", "VH")
PIXEL = 10.0
"""Metres per pixel; the landscape is drawn at half of it."""

Spectrum = tuple[float, float, float, float, float, float]
Range = tuple[float, float]

GROUND: dict[str, Spectrum] = {
    "loam": (0.070, 0.100, 0.130, 0.220, 0.300, 0.250),  # LUC
    "dark soil": (0.045, 0.060, 0.075, 0.130, 0.190, 0.160),  # LUC, chernozem
    "red soil": (0.050, 0.085, 0.160, 0.250, 0.340, 0.270),  # LUC, iron
    "sand": (0.140, 0.200, 0.270, 0.360, 0.450, 0.400),  # SPL7, dune sand
    "salt": (0.270, 0.330, 0.370, 0.420, 0.380, 0.300),  # SPL7, playa
    "grey rock": (0.100, 0.125, 0.145, 0.190, 0.220, 0.200),  # ECO, limestone and granite, weathered
    "dark rock": (0.060, 0.070, 0.080, 0.100, 0.120, 0.110),  # ECO, basalt
    "asphalt": (0.080, 0.090, 0.100, 0.125, 0.150, 0.140),  # HER
    "concrete": (0.150, 0.180, 0.200, 0.250, 0.280, 0.260),  # HER
    "tile": (0.070, 0.100, 0.165, 0.250, 0.320, 0.280),  # HER, red tile
    "dark roof": (0.050, 0.054, 0.058, 0.072, 0.080, 0.075),  # HER, tar; as dark as water or shade in the visible
    "metal roof": (0.290, 0.320, 0.340, 0.390, 0.390, 0.350),  # HER
    "blue roof": (0.190, 0.180, 0.150, 0.230, 0.300, 0.280),  # HER, painted steel
    "adobe": (0.080, 0.115, 0.150, 0.230, 0.300, 0.255),  # as loam, because it is loam
    "plastic": (0.200, 0.225, 0.235, 0.330, 0.300, 0.220),  # OUR, greenhouses
    "litter": (0.040, 0.055, 0.070, 0.150, 0.215, 0.155),  # ECO, leaf litter and twigs
    "clear water": (0.030, 0.024, 0.012, 0.006, 0.003, 0.002),  # MOB
    "turbid water": (0.070, 0.100, 0.085, 0.032, 0.006, 0.004),  # MOB
    "green water": (0.028, 0.055, 0.028, 0.026, 0.006, 0.004),  # MOB, eutrophic
    "snow": (0.900, 0.900, 0.890, 0.820, 0.120, 0.110),  # WAR
    "old snow": (0.640, 0.640, 0.610, 0.480, 0.060, 0.050),  # WAR, coarse grains and dust
}
"""What lies under plants, dry."""

PLANTS: dict[str, Spectrum] = {
    "broadleaf": (0.018, 0.040, 0.020, 0.330, 0.135, 0.058),  # ECO, darker by the shade in a canopy (OUR)
    "conifer": (0.014, 0.027, 0.016, 0.200, 0.080, 0.036),  # ECO and OUR, as above
    "crop": (0.028, 0.064, 0.030, 0.500, 0.200, 0.095),  # VEL, ECO
    "flowering": (0.035, 0.110, 0.075, 0.460, 0.230, 0.120),  # OUR, rape in flower
    "grass": (0.034, 0.070, 0.042, 0.390, 0.230, 0.125),  # ECO
    "lush grass": (0.029, 0.072, 0.034, 0.490, 0.215, 0.105),  # VEL, ECO, sown and manured
    "shrub": (0.032, 0.052, 0.045, 0.230, 0.190, 0.110),  # ECO, chaparral
    "reed": (0.028, 0.050, 0.036, 0.260, 0.130, 0.065),  # ECO
}
"""Full green cover, seen from above with its own shade."""

STRAW: Spectrum = (0.070, 0.105, 0.145, 0.260, 0.340, 0.240)
"""Dead standing plants and stubble: SPL7."""

SOILS = ("loam", "dark soil", "red soil", "sand", "grey rock")
"""A scene's soil is a blend of these; rock stands for stony ground."""


@dataclass(frozen=True)
class Material:
    """One thing that ground is covered with.

    Args:
        land_class: Id of the global 10 m land-cover scheme.
        ground: Key of `GROUND`, or "soil" for the soil of the scene.
        plant: Key of `PLANTS`.
        low: Share of the ground under green plants off season, 0..1.
        high: The same at the peak.
        peak: Day of the peak in the north.
        width: Days from the peak until the green has fallen to 1/e.
        height: Of the canopy or roof, metres.
        bare: VV and VH without plants, dB at 38 degrees.
        grown: VV and VH at full cover, dB at 38 degrees.
        spread: Relative spread of reflectance from place to place.
        rise: How many times longer the green takes to come than to go; winter crops are sown the autumn before.
    """

    land_class: int
    ground: str
    plant: str = "grass"
    low: float = 0.0
    high: float = 0.0
    peak: float = 150.0
    width: float = 60.0
    height: float = 0.0
    bare: tuple[float, float] = (-13.0, -20.5)
    grown: tuple[float, float] = (-11.0, -17.0)
    spread: float = 0.06
    rise: float = 1.0


MATERIALS: dict[str, Material] = {
    # water: optical MOB, backscatter of a calm surface ULA; wind is added in `sar` (MAS)
    "sea": Material(1, "clear water", bare=(-23.0, -28.5), spread=0.05),
    "lake": Material(1, "green water", bare=(-23.5, -28.5), spread=0.05),
    "river": Material(1, "turbid water", bare=(-21.5, -27.5), spread=0.05),
    # trees: ULA, TOR; canopy height OUR
    "broadleaf": Material(2, "litter", "broadleaf", 0.25, 0.93, 185, 75, 16, (-11.0, -17.0), (-9.6, -14.9), 0.09),
    "conifer": Material(2, "litter", "conifer", 0.80, 0.92, 185, 120, 18, (-11.0, -16.5), (-10.3, -15.6), 0.09),
    "evergreen": Material(2, "litter", "broadleaf", 0.85, 0.95, 185, 120, 20, (-10.5, -16.0), (-9.3, -14.6), 0.08),
    # flooded vegetation: HES, ULA
    "marsh": Material(4, "green water", "reed", 0.25, 0.75, 195, 70, 1.5, (-14.0, -21.5), (-8.2, -16.0), 0.12),
    "swamp": Material(4, "green water", "broadleaf", 0.45, 0.85, 185, 80, 9, (-9.5, -17.0), (-7.2, -14.4), 0.11),
    # crops: calendars ALL, backscatter VEL; bare soil ULA, its rough half, 8 dB from VV to VH (OUR)
    "cereal": Material(5, "soil", "crop", 0.03, 0.92, 130, 48, 0.8, (-9.8, -18.2), (-12.2, -18.4), 0.05, 2.2),
    "maize": Material(5, "soil", "crop", 0.00, 0.93, 205, 42, 2.4, (-9.8, -18.2), (-9.4, -15.0), 0.05),
    "rape": Material(5, "soil", "flowering", 0.05, 0.92, 120, 42, 1.3, (-9.8, -18.2), (-9.2, -14.6), 0.05, 2.2),
    "beet": Material(5, "soil", "crop", 0.00, 0.90, 215, 60, 0.5, (-9.6, -18.0), (-9.0, -15.6), 0.05),
    "clover": Material(5, "soil", "lush grass", 0.55, 0.95, 165, 90, 0.4, (-10.8, -18.8), (-11.2, -17.6), 0.06),
    "fallow": Material(5, "soil", "grass", 0.03, 0.15, 150, 60, 0.1, (-10.8, -18.6), (-11.0, -17.9), 0.06),
    "paddy": Material(5, "turbid water", "crop", 0.05, 0.92, 225, 45, 0.9, (-17.5, -25.5), (-9.5, -17.0), 0.05),
    # built: HER; backscatter HEN, of roofs and walls together, before orientation
    "tile roof": Material(7, "tile", height=7, bare=(-4.0, -12.5), spread=0.14),
    "dark roof": Material(7, "dark roof", height=9, bare=(-3.5, -12.2), spread=0.14),
    "concrete roof": Material(7, "concrete", height=15, bare=(-2.5, -11.2), spread=0.16),
    "metal roof": Material(7, "metal roof", height=9, bare=(-2.0, -11.7), spread=0.20),
    "blue roof": Material(7, "blue roof", height=8, bare=(-2.5, -11.9), spread=0.16),
    "adobe roof": Material(7, "adobe", height=4, bare=(-6.5, -14.2), spread=0.12),
    "greenhouse": Material(7, "plastic", "crop", 0.1, 0.35, 180, 90, 3, (-9.0, -17.5), (-9.0, -17.0), 0.12),
    "asphalt": Material(7, "asphalt", bare=(-15.5, -22.5), spread=0.10),
    "yard": Material(7, "soil", "grass", 0.25, 0.75, 165, 90, 1, (-10.5, -17.5), (-10.0, -16.0), 0.12),
    "paved yard": Material(7, "concrete", bare=(-11.5, -19.0), spread=0.14),
    # bare: SPL7, ECO; backscatter ULA, smooth sand and salt as dark as calm water
    "bare soil": Material(8, "soil", "grass", 0.01, 0.10, 150, 60, 0, (-13.5, -21.5), (-12.0, -19.0), 0.08),
    "sand": Material(8, "sand", bare=(-19.0, -26.5), spread=0.07),
    "salt": Material(8, "salt", bare=(-21.0, -27.5), spread=0.08),
    "grey rock": Material(8, "grey rock", "shrub", 0.0, 0.08, 170, 80, 0, (-10.5, -18.5), (-10.0, -17.0), 0.12),
    "dark rock": Material(8, "dark rock", "shrub", 0.0, 0.06, 170, 80, 0, (-10.0, -18.0), (-10.0, -17.0), 0.12),
    "gravel": Material(8, "grey rock", bare=(-12.0, -20.0), spread=0.10),
    "track": Material(8, "soil", "grass", 0.0, 0.05, 150, 60, 0, (-13.5, -21.5), (-12.0, -19.0), 0.06),
    # snow: WAR, NAG; a dry cover is nearly transparent to C band, a wet one absorbs
    "snow": Material(9, "snow", bare=(-13.0, -20.5), spread=0.04),
    "old snow": Material(9, "old snow", bare=(-11.0, -18.5), spread=0.10),
    # rangeland: ULA, TOR; levels OUR, 6 dB between VV and VH
    "meadow": Material(11, "soil", "grass", 0.45, 0.92, 155, 85, 0.3, (-11.8, -18.6), (-11.4, -17.4), 0.06),
    "steppe": Material(11, "soil", "grass", 0.08, 0.45, 140, 50, 0.3, (-12.6, -19.4), (-11.3, -17.5), 0.07),
    "shrub": Material(11, "soil", "shrub", 0.40, 0.70, 160, 90, 1.5, (-12.0, -18.6), (-10.6, -16.7), 0.09),
    "heath": Material(11, "litter", "shrub", 0.30, 0.60, 190, 80, 0.6, (-12.0, -18.6), (-10.8, -16.9), 0.08),
    "pasture": Material(11, "soil", "lush grass", 0.60, 0.96, 160, 100, 0.2, (-11.8, -18.6), (-11.2, -17.0), 0.06),
}  # fmt: skip
"""Name -> material. A scene shifts each by its own draw of `RANDOM`."""

ANNUAL = ("cereal", "maize", "rape", "beet")
"""Crops that ripen into straw and are ploughed: ALL."""


@dataclass(frozen=True)
class Setting:
    """One kind of landscape: ranges that a scene draws from.

    Args:
        weight: How often it is drawn.
        relief: Height from foot to top over 2.5 km, metres.
        latitude: Degrees, either hemisphere.
        arid: 0 humid to 1 desert.
        forest: Share of the land that is fit for trees and not used otherwise.
        crops: Share of the land under fields.
        town: Share of the land in one town.
        villages: How many hamlets and villages.
        parcel: Width of a field, metres.
        river: Width of the river that comes in from outside, metres; 0 for brooks only.
        standing: Share of the scene under sea or lake.
        wet: Share of the low land that is marsh or swamp.
        snow_line: Height above which snow lies, as a share of the relief; above 1 none.
        sea: Whether standing water is the sea.
        pivots: Whether fields are irrigated circles.
    """

    weight: float
    relief: Range
    latitude: Range
    arid: Range
    forest: Range
    crops: Range = (0.0, 0.0)
    town: Range = (0.0, 0.0)
    villages: tuple[int, int] = (0, 0)
    parcel: Range = (60.0, 200.0)
    river: Range = (0.0, 0.0)
    standing: Range = (0.0, 0.0)
    wet: Range = (0.0, 0.0)
    snow_line: Range = (2.0, 2.0)
    sea: bool = False
    pivots: bool = False


SETTINGS: dict[str, Setting] = {  # OUR: what land at 2.5 km looks like
    "open fields": Setting(
        1.2, (4, 35), (25, 55), (0.0, 0.5), (0.03, 0.2), (0.65, 0.95), villages=(0, 3), parcel=(60, 320), river=(0, 50)
    ),
    "small farms": Setting(
        1.2, (20, 140), (5, 55), (0.0, 0.5), (0.15, 0.4), (0.3, 0.6), villages=(1, 5), parcel=(25, 90), river=(0, 35)
    ),
    "city": Setting(1.3, (3, 70), (5, 55), (0.0, 0.8), (0.1, 0.4), (0.1, 0.5), (0.45, 0.95), (0, 2), river=(0, 140)),
    "town": Setting(1.2, (5, 120), (5, 58), (0.0, 0.7), (0.1, 0.4), (0.3, 0.7), (0.12, 0.4), (1, 4), river=(0, 90)),
    "forest hills": Setting(
        1.1, (60, 350), (0, 62), (0.0, 0.35), (0.55, 0.92), (0.0, 0.2), villages=(0, 2), parcel=(30, 90), river=(0, 40)
    ),
    "mountains": Setting(
        0.9, (350, 1000), (15, 55), (0.0, 0.6), (0.25, 0.6), (0.0, 0.12), villages=(0, 2), parcel=(25, 70),
        river=(0, 40), snow_line=(0.5, 1.3),
    ),
    "high mountains": Setting(
        1.5, (500, 1200), (25, 68), (0.1, 0.5), (0.05, 0.3), river=(0, 25), standing=(0.0, 0.06), snow_line=(-0.1, 0.6)
    ),
    "coast": Setting(
        1.1, (8, 160), (0, 62), (0.0, 0.7), (0.1, 0.5), (0.1, 0.5), (0.0, 0.3), (0, 3), standing=(0.15, 0.65),
        wet=(0.0, 0.3), sea=True,
    ),
    "lakes": Setting(
        1.0, (8, 160), (20, 65), (0.0, 0.4), (0.2, 0.7), (0.05, 0.4), villages=(0, 3), standing=(0.1, 0.5),
        wet=(0.1, 0.4),
    ),
    "wetland": Setting(
        1.5, (1.5, 8), (0, 60), (0.0, 0.3), (0.1, 0.4), (0.1, 0.45), villages=(0, 1), river=(25, 160),
        standing=(0.03, 0.2), wet=(0.45, 0.9),
    ),
    "desert": Setting(
        1.3, (5, 350), (12, 38), (0.85, 1.0), (0.0, 0.01), (0.0, 0.04), (0.0, 0.12), (0, 2), river=(0, 45)
    ),
    "oasis": Setting(
        0.6, (3, 40), (15, 36), (0.8, 1.0), (0.0, 0.02), (0.25, 0.6), (0.0, 0.1), (0, 2), (250, 450),
        river=(0, 70), pivots=True,
    ),
    "steppe": Setting(
        1.1, (10, 180), (20, 52), (0.4, 0.75), (0.02, 0.15), (0.0, 0.25), villages=(0, 2),
        parcel=(120, 400), river=(0, 40),
    ),
    "savanna": Setting(
        1.0, (5, 90), (3, 22), (0.3, 0.65), (0.15, 0.5), (0.0, 0.25), villages=(0, 3),
        parcel=(20, 90), river=(0, 60),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Random:
    """How far scenes stray from the tables, and what the sensors add.

    Args:
        brightness: Spread of the gain of a material's reflectance from scene to scene.
        tilt: Spread of its slope over the bands.
        backscatter_db: Spread of a material's VV and VH from scene to scene, dB.
        parcel_db: Spread of the roughness of fields, dB.
        moisture: Soil moisture, 0 dry to 1 wet; wet soil is up to 45 % darker and 3.5 dB brighter (LUC, ULA).
        calendar_days: Spread of the calendar between fields.
        incidence: Incidence angle at the middle of the scene, degrees (TOR).
        looks: Equivalent looks of a ground-range product (TOR: 4.4; more after resampling to 10 m).
        speckle_width: Sigma of the point response behind the correlation of the speckle, pixels (OUR).
        noise_floor_db: Noise-equivalent sigma nought (TOR).
        wind_db: How much wind adds to VV of open water, dB (MAS).
        path: Path reflectance of clear air at the top of the atmosphere (VER).
        diffuse: Share of the light that comes from the sky (VER).
        air: Amount of air that was not corrected: top-of-atmosphere products, 1 = the table.
        rest: The same of atmospherically corrected products.
        haze: Reflectance that haze adds in blue.
        noise: Noise of a band, reflectance (DRU: signal to noise 90 to 170 at reference radiance).
        blur: Sigma of the point spread function of the 10 m bands, pixels (DRU).
        adjacency: Share of the light that comes from the neighbourhood (VER).
        low_sun: Exponent of the sine of the sun's height: plants and rough ground shade themselves (ROY).
    """

    brightness: float = 0.14
    tilt: float = 0.10
    backscatter_db: float = 1.2
    parcel_db: float = 1.5
    moisture: Range = (0.0, 0.9)
    calendar_days: float = 11.0
    incidence: Range = (31.0, 45.0)
    looks: Range = (5.5, 11.0)
    speckle_width: Range = (0.92, 1.12)
    noise_floor_db: Range = (-29.0, -24.0)
    wind_db: Range = (0.0, 9.0)
    path: Spectrum = (0.070, 0.044, 0.024, 0.008, 0.002, 0.001)
    diffuse: Spectrum = (0.30, 0.22, 0.16, 0.09, 0.04, 0.03)
    air: Range = (0.7, 1.4)
    rest: Range = (-0.08, 0.15)
    haze: Range = (0.0, 0.03)
    noise: Range = (0.0008, 0.0022)
    blur: Range = (0.40, 0.60)
    adjacency: Range = (0.02, 0.09)
    low_sun: Range = (0.0, 0.45)


RANDOM = Random()

LIGHT_ON_CLOUD: Spectrum = (0.72, 0.71, 0.70, 0.68, 0.48, 0.38)
"""Reflectance of thick cloud: WAR, ice absorbs in B11 and B12."""

THIN_CLOUD: Spectrum = (1.0, 0.95, 0.90, 0.80, 0.45, 0.32)
"""Optical depth of thin cloud relative to blue (VER, OUR)."""

CLOUD_KINDS: dict[str, tuple[Range, Range, float]] = {
    "thin": ((0.5, 1.0), (0.15, 0.55), 260.0),
    "broken": ((0.2, 0.6), (0.85, 1.0), 55.0),
    "thick": ((0.7, 1.0), (0.95, 1.0), 160.0),
}
"""Kind -> share of the scene under cloud, opacity of its middle, size of a cloud in pixels (OUR)."""
