"""What is certain of a pair by itself: few rules, on top of what was learned."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.pair_columns import Floats
from models.pair_features import PAIR_FEATURES, renumbered_rows

# Log odds from which and to which a rule that needs no ledger moves a pair: .9 and .1; .8 where it is less certain.
_CERTAIN, _TELLING, _SEEN_BACK, _LIKE_NAME = 2.2, 3, 120, 0.8
_LIKELY, _PRICES, _LINES = 1.4, 0.3, 0.97
_ONLY_THESE, _FEW, _SEVERAL = (np.log1p(count) + 1e-6 for count in (2.0, 3.0, 4.0))


def settled(table: Floats, logit: Floats) -> Mapping[str, Floats]:
    """What is certain by itself, whatever a ledger's habits say: feature → (n,) to add to the log odds.

    One vendor's number, date and amount twice is a duplicate, however often the number is used; with day and month
    exchanged too, where only these two have the number. So most likely is the number of few bills that was written
    otherwise, with the amount; and a bill that two or three others with its number or order sum to, to the hundredth,
    where amounts are no price list: paid whole and in parts. What a credit note took back is none. One number on
    one day with amounts that have nothing to do with each other is most likely one document's lines. Unlike numbers of
    parties with nothing in common are none.
    """

    def at(name: str) -> Floats:
        column: Floats = table[:, PAIR_FEATURES.index(name)]
        return column

    swapped = (at("date_swapped") == 1.0) & (at("number_count") <= _ONLY_THESE)
    same = (at("vendor_same") == 1.0) & (at("number_same_plain") == 1.0) & (at("number_length") >= _TELLING)
    same &= (at("amount_same") == 1.0) & (at("amount_opposite") == 0.0) & (at("type_same") == 1.0)
    same &= ((at("date_gap") == 0) | swapped) & (at("entity_same") != 0.0) & (at("currency_same") != 0.0)
    back = (at("credited_after") <= _SEEN_BACK) & (at("amount_open") <= 1.0) & (at("credit_involved") == 0.0)
    alike = (at("type_same") == 1.0) & (at("vendor_same") == 1.0) & (at("number_count") <= _SEVERAL) & ~back
    anew = alike & ~same & (at("number_written_anew") == 1.0) & (at("number_length") > _TELLING)
    anew &= at("amount_same") == 1.0
    parts = alike & (at("amount_whole") == 1.0) & (at("amount_count") <= _FEW) & ~(at("amount_repeats") >= _PRICES)
    lines = (at("number_same_plain") == 1.0) & (at("date_gap") == 0.0) & (at("amount_ratio") < _LINES)
    for name in ("amount_whole", "amount_sum", "amount_shifted", "amount_anagram", "amount_tax_ratio"):
        lines &= at(name) == 0.0
    lines &= (at("currency_same") != 0.0) & (at("entity_same") != 0.0)
    strangers = (at("vendor_same") == 0.0) & (at("tax_same") != 1.0) & (at("account_same") != 1.0)
    strangers &= (at("order_same") != 1.0) & ~(at("name_similarity") >= _LIKE_NAME) & ~back & renumbered_rows(table)
    return {
        "number_same_plain": np.where(same & ~back, np.maximum(0.0, _CERTAIN - logit), 0.0),
        "number_written_anew": np.where(anew, np.maximum(0.0, _LIKELY - logit), 0.0),
        "amount_whole": np.where(parts, np.maximum(0.0, _LIKELY - logit), 0.0),
        "amount_ratio": np.where(lines, np.minimum(0.0, -_LIKELY - logit), 0.0),
        "credited_after": np.where(back, np.minimum(0.0, -_CERTAIN - logit), 0.0),
        "vendor_same": np.where(strangers, np.minimum(0.0, -_CERTAIN - logit), 0.0),
    }
