"""What things cost."""

from shop.model import DemandModel

PRICES = {"coffee": 3.20, "tea": 2.40, "cake": 4.80}
MODEL = DemandModel()  # takes two seconds: the reason why nobody likes to restart this shop
CACHE: dict[str, float] = {}  # what the model said; empty again after every restart


def demand(item: str) -> float:
    """How much `item` is wanted today, asked once."""
    if item not in CACHE:
        CACHE[item] = MODEL.predict(item)
    return CACHE[item]


def quote(item: str, amount: int = 1) -> float:
    """What `amount` of `item` costs."""
    return round(amount * PRICES[item] * demand(item), 2)
