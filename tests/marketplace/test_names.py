"""The shop's words, made readable."""

from __future__ import annotations

import pytest

from marketplace.dataset.names import package_size, product_name, readable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FRZN FRENCH FRIES", "Frozen french fries"),
        ("EGGS - LARGE", "Eggs, large"),
        ("MEAT:HAM BULK", "Meat: ham bulk"),
        ("MARGARINE  STICK", "Margarine stick"),
        ("PAPER TOWELS & HOLDERS", "Paper towels & holders"),
        ("BROCCOLI WHOLE&CROWNS", "Broccoli whole & crowns"),
        ("BBQ SAUCE", "BBQ sauce"),
        ("MISC. DAIRY", "Various dairy"),
        ("SFT DRNK 2 LITER BTL CARB INCL", "Soft drink 2 liter bottle carbonated"),
        ("BREAST - BONELESS(IQF)", "Breast, boneless"),
        ("", ""),
    ],
)
def test_words_are_written_out(text: str, expected: str) -> None:
    assert readable(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CANDY BARS (SINGLES)(INCLUDING", "Candy bars (singles)"),
        ("DAIRY CASE 100% PURE JUICE - O", "Dairy case 100% pure juice"),
        ("APPLES GOLD DELICIOUS (BULK&BA", "Apples gold delicious"),
        ("APPLE JUICE & CIDER (OVER 50% ", "Apple juice & cider"),
        ("FRUIT DRINKS: CANNED & GLASS (", "Fruit drinks: canned & glass"),
    ],
)
def test_the_loose_end_of_a_text_that_was_cut_off_is_removed(text: str, expected: str) -> None:
    assert readable(text) == expected


@pytest.mark.parametrize(
    ("kind", "category", "expected"),
    [
        ("LEAN", "BEEF", "Beef, lean"),
        ("PREMIUM - MEAT", "FRANKFURTERS", "Frankfurters, premium, meat"),
        ("SELECT BEEF", "BEEF", "Select beef"),
        ("HAMBURGER BUNS", "BAKED BREAD/BUNS/ROLLS", "Hamburger buns"),
        ("LEAN", "", "Lean"),
        ("", "BEEF", ""),
    ],
)
def test_a_kind_that_says_nothing_alone_stands_behind_its_category(kind: str, category: str, expected: str) -> None:
    assert product_name(kind, category) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14.5 OZ", "14.5 oz"),
        ("5.0 OZ", "5 oz"),
        (".16 OZ", "0.16 oz"),
        ("8 1/2 OZ", "8 1/2 oz"),
        ("L      8 OZ", "8 oz"),
        ("(600) 4 LB", "4 lb"),
        ("1 DZ", "1 dozen"),
        ("1 CT", "1 piece"),
        ("100 CT", "100 pieces"),
        ("83.5 SQ FT", "83.5 sq ft"),
        ("1 GA", "1 gal"),
        ("SIZE 3", ""),
        ("48-54 CT", ""),
        ("974246  PK", ""),
        ("GAL", ""),
        ("", ""),
    ],
)
def test_sizes_are_written_out_and_what_is_no_size_is_left_out(text: str, expected: str) -> None:
    assert package_size(text, "GROCERY") == expected


def test_the_size_of_produce_is_that_of_its_shipping_case_and_left_out() -> None:
    assert package_size("40 LB", "PRODUCE") == ""
