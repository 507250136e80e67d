"""Makes the shop's own words readable: "FRZN FRENCH FRIES", "DAIRY CASE 100% PURE JUICE - O", "(600) 4 LB".

The data set describes a product by kind, category, brand and size, not by the name on its package, so two products
may read alike. Texts there end at 30 characters; what was cut off is not guessed, only the loose end is removed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    "bg": "bags",
    "bkd": "baked",
    "bn": "beans",
    "brd": "bread",
    "brkfst": "breakfast",
    "btl": "bottle",
    "btr": "butter",
    "carb": "carbonated",
    "catsup": "ketchup",
    "chix": "chicken",
    "choc": "chocolate",
    "cleang": "cleaning",
    "cnd": "canned",
    "crbntd": "carbonated",
    "crmd": "creamed",
    "crystl": "crystal",
    "deod": "deodorant",
    "dnr": "dinner",
    "dnrs": "dinners",
    "drnk": "drink",
    "drnking": "drinking",
    "drnks": "drinks",
    "drsng": "dressing",
    "dsh": "dish",
    "fd": "food",
    "flvr": "flavored",
    "flvrd": "flavored",
    "frd": "fried",
    "fre": "fresh",
    "frz": "frozen",
    "frzn": "frozen",
    "gds": "goods",
    "grnd": "ground",
    "hbc": "care",
    "iws": "wrapped",
    "jce": "juice",
    "misc": "various",
    "mlk": "milk",
    "mlt": "multi",
    "mneral": "mineral",
    "mnrl": "mineral",
    "mult": "multi",
    "mx": "mixes",
    "mxs": "mixes",
    "oj": "orange juice",
    "pk": "pack",
    "pkg": "package",
    "pkgd": "packaged",
    "pkld": "pickled",
    "plstc": "plastic",
    "pnt": "peanut",
    "prep": "prepared",
    "pwdr": "powder",
    "pwdrs": "powders",
    "refrgrated": "refrigerated",
    "refrgratd": "refrigerated",
    "refrig": "refrigerated",
    "rts": "ready-to-serve",
    "sald": "salad",
    "saus": "sausage",
    "sft": "soft",
    "sgl": "single",
    "sherbts": "sherbets",
    "sndwch": "sandwich",
    "sngl": "single",
    "specilaty": "specialty",
    "sply": "supplies",
    "splys": "supplies",
    "sprd": "spreads",
    "srv": "serve",
    "ss": "single-serve",
    "sv": "serve",
    "suppplies": "supplies",
    "sw": "sweet",
    "tiss": "tissues",
    "tort": "tortilla",
    "trsh": "trash",
    "veg": "vegetables",
    "whl": "whole",
    "whlsm": "wholesome",
    "wt": "weight",
    "wtr": "water",
    "xlarge": "extra large",
}
UNSAID: Final = frozenset({"excp", "excl", "exce", "incl", "iqf", "mw", "qsr"})
"""Abbreviations of the trade, or beginnings of remarks, that tell a customer nothing."""
ACRONYMS: Final = frozenset({"bbq", "tv"})

TOO_GENERAL: Final = frozenset(
    {"angus", "better", "blends", "bulk", "butts", "choice", "dry", "economy", "enhanced", "entrees", "flavored"}
    | {"fresh", "garden", "lean", "links", "mainstream", "miscellaneous", "natural", "other", "patties", "poultry"}
    | {"premium", "primal", "red", "regular", "rolls", "select", "single", "smoked", "special", "sticks", "super"}
    | {"traditional", "value", "white"}
)
"""Kinds that say nothing without their category: "premium" is an ice cream, "primal" is beef."""

UNITS: Final[Mapping[str, str]] = {
    "oz": "oz",
    "fl oz": "fl oz",
    "lb": "lb",
    "ct": "pieces",
    "ml": "ml",
    "l": "l",
    "lt": "l",
    "pk": "pack",
    "qt": "qt",
    "gal": "gal",
    "ga": "gal",
    "pt": "pt",
    "dz": "dozen",
    "sq ft": "sq ft",
    "gm": "g",
}
_SIZE: Final = re.compile(
    r"(?<![\w.)/-])(?P<amount>(?:\d{1,3} )?\d/\d|\d{0,4}(?:\.\d+)|\d{1,4})\s*(?P<unit>fl oz|sq ft|[a-z]+)(?!\w)"
)
_CUT_OFF: Final = re.compile(r"\s*\([^)]*$|(?:\s+-\s*|\s+)[a-z]$|\s*-$")
_REMARK: Final = re.compile(r"\s*\((?:bulk|incl|excp?|exce|over|under|no)\b.*$")


@cache
def readable(text: str) -> str:
    """ "FRZN FRENCH FRIES" → "Frozen french fries"; an empty text stays empty."""
    text = _CUT_OFF.sub("", _REMARK.sub("", text.lower().strip()))
    text = re.sub(r"\s*:\s*", ": ", text.replace(" - ", ", ").replace("&", " & ")).replace("misc.", "misc")
    words = re.sub(r"[a-z]+", lambda match: _word(match[0]), text).replace("()", "")
    words = re.sub(r"\s+", " ", words).strip(" -:/&,")
    return words[:1].upper() + words[1:]


@cache
def product_name(kind: str, category: str) -> str:
    """What a product is called: its kind, behind its category where the kind alone is too general."""
    name, group = readable(kind), readable(category)
    said, grouped = _words_of(name), _words_of(group)
    if group and said and said[0] in TOO_GENERAL and not set(said) & set(grouped):
        return f"{group}, {name[0].lower()}{name[1:]}"
    return name


def package_size(text: str, department: str) -> str:
    """ "14.5 OZ" → "14.5 oz". Empty where the text is a shipping case's, as it is for produce, or is no size."""
    match = _SIZE.search(text.lower())
    if department == "PRODUCE" or match is None or match["unit"] not in UNITS:
        return ""
    amount = match["amount"]
    if "." in amount:
        amount = f"{float(amount):g}"
    return "1 piece" if (amount, match["unit"]) == ("1", "ct") else f"{amount} {UNITS[match['unit']]}"


def _words_of(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def _word(word: str) -> str:
    if word in UNSAID:
        return ""
    return word.upper() if word in ACRONYMS else WORDS.get(word, word)
